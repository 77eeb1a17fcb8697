"""What must be set right in Beam itself before a graph runs; importing this module does it.

Beam's in-process workers, where they are threads, flush their output every second from a thread of their own, which
does not wait for an element to be written whole (apache_beam/runners/worker/data_plane.py, in 2.72 and 2.77). An
element that is torn so is read as garbage: seen as a run that failed, and as one that took all memory. They need not
flush by time at all, since they do by size and at the end of each bundle.
"""

from apache_beam.runners.portability.fn_api_runner import worker_handlers

_NEVER_IN_A_RUN_MS = 2**31

worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = _NEVER_IN_A_RUN_MS

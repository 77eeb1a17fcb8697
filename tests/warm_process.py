"""The warm process of warm.py: imports what takes seconds, and then does nothing but fork.

    python warm_process.py DESCRIPTOR

It is asked through a socket, with a message for each fork, and ends when that is closed. To each fork's own socket it
writes the fork's number and, in the end, what waitpid says of it.
"""

import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import types
from typing import Any

from beam_taxi.process import heavy_imports, native_stderr

# With them comes the rest.
_MODULES = (
  'apache_beam.runners.dataflow.dataflow_runner',
  'apache_beam.runners.portability.fn_api_runner',
  'beam_taxi.cloud.rehearsal.rehearsing',
  'beam_taxi.graph.pipeline',
  'beam_taxi.lifecycle.run',
  'beam_taxi.show.site.building',
  'tensorflow_data_validation',
)
_LARGEST_REQUEST = 1 << 20


def fork_for(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
  """Forks at each request. Returns in the forks, each with its request, and with its stdin, stdout and stderr."""
  ready = selectors.DefaultSelector()
  ready.register(requests, selectors.EVENT_READ)
  # Who is told of each fork that goes on.
  told: dict[int, socket.socket] = {}
  while True:
    for key, _ in ready.select():
      if key.data:
        ready.unregister(key.fd)
        os.close(key.fd)
        _, status = os.waitpid(key.data, 0)
        with told.pop(key.data) as teller:
          teller.send(f'{status}\n'.encode())
        continue
      message, descriptors, _, _ = socket.recv_fds(requests, _LARGEST_REQUEST, 4)
      if not message:
        for pid in told:
          os.kill(pid, signal.SIGKILL)
        sys.exit()
      teller = socket.socket(fileno=descriptors.pop())
      pid = os.fork()
      if not pid:
        for own in (ready, requests, teller, *told.values()):
          own.close()
        return json.loads(message), descriptors
      teller.send(f'{pid}\n'.encode())
      told[pid] = teller
      for descriptor in descriptors:
        os.close(descriptor)
      ready.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)


def run(request: dict[str, Any], streams: list[int]) -> None:
  """Makes this process the one that was asked for, and does what Python does with its arguments."""
  for descriptor, place in zip(streams, range(3), strict=True):
    os.dup2(descriptor, place)
    os.close(descriptor)
  # A shell's background jobs ignore SIGINT, and a test run that is one must not hand that on.
  signal.signal(signal.SIGINT, signal.default_int_handler)
  os.chdir(request['cwd'])
  os.environ.clear()
  os.environ.update(request['env'])
  sys.path[0] = ''
  match request['words']:
    case ['-m', module, *words]:
      sys.argv = ['-m', *words]
      runpy.run_module(module, run_name='__main__', alter_sys=True)
    case ['-c', program, *words]:
      sys.argv = ['-c', *words]
      sys.modules['__main__'] = types.ModuleType('__main__')
      exec(program, vars(sys.modules['__main__']))
    case [path, *_]:
      sys.argv = request['words']
      sys.path[0] = os.path.dirname(path)
      runpy.run_path(path, run_name='__main__')


if __name__ == '__main__':
  # From the terminal it comes to the tests, which then end this process.
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  with heavy_imports.uncollected(), native_stderr.withheld():
    for name in _MODULES:
      importlib.import_module(name)
  run(*fork_for(socket.socket(fileno=int(sys.argv[1]))))

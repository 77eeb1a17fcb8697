"""How a run can be, by its record. Imports nothing heavy."""

RUN_STATES = ('RUNNING', 'COMPLETE', 'CACHED', 'FAILED', 'CANCELED')

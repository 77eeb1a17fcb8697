"""How a run can be, by its record, and how that follows from its steps. Imports nothing heavy."""

from collections.abc import Iterable

RUN_STATES = ('RUNNING', 'COMPLETE', 'CACHED', 'FAILED', 'CANCELED')

# Of a run that has no executions, or some of whose states nobody knows; only of what others recorded.
UNKNOWN = 'UNKNOWN'
_DONE = frozenset(('COMPLETE', 'CACHED'))


def state_of(steps: Iterable[str]) -> str:
  """The state of a run whose executions are in these states, by MLMD's names."""
  states = set(steps)
  for state in ('FAILED', 'CANCELED'):
    if state in states:
      return state
  if states & {'RUNNING', 'NEW'}:
    return 'RUNNING'
  if states and states <= _DONE:
    return 'COMPLETE' if 'COMPLETE' in states else 'CACHED'
  return UNKNOWN

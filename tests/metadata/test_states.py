"""A run's state, by those of its steps."""

import pytest

from beam_taxi.metadata.states import state_of


@pytest.mark.parametrize(
  ('steps', 'state'),
  [
    ((), 'UNKNOWN'),
    (('COMPLETE', 'COMPLETE'), 'COMPLETE'),
    (('COMPLETE', 'CACHED'), 'COMPLETE'),
    (('CACHED', 'CACHED'), 'CACHED'),
    (('COMPLETE', 'COMPLETE', 'COMPLETE', 'RUNNING'), 'RUNNING'),
    (('COMPLETE', 'RUNNING'), 'RUNNING'),
    (('COMPLETE', 'NEW'), 'RUNNING'),
    (('COMPLETE', 'FAILED', 'RUNNING'), 'FAILED'),
    (('COMPLETE', 'CANCELED'), 'CANCELED'),
    (('COMPLETE', 'UNKNOWN'), 'UNKNOWN'),
  ],
)
def test_a_run_is_in_the_state_that_its_steps_make(steps: tuple[str, ...], state: str) -> None:
  assert state_of(steps) == state

"""The step table is a graph in the order of its making, and steps go on where what they read has been made."""

from beam_taxi.steps import INPUT, STEPS, outputs


def test_each_step_reads_what_is_read_or_made_before_it() -> None:
  known = {INPUT.key}
  for step in STEPS:
    assert set(step.reads) <= known
    known |= {output.key for output in step.makes}


def test_nothing_is_made_twice() -> None:
  keys = [output.key for output in outputs()]
  assert len(set(keys)) == len(keys)
  assert len({step.name for step in STEPS}) == len(STEPS)


def test_all_steps_are_behind_the_first() -> None:
  made = {output.key for output in STEPS[0].makes}
  for step in STEPS[1:]:
    assert made & set(step.reads)
    made |= {output.key for output in step.makes}

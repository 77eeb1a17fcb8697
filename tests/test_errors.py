"""A UserError is found again in whatever a runner makes of it."""

import traceback

import pytest

from beam_taxi.errors import UserError, user_error_in

MESSAGE = 'a.csv: line 3 (byte 10): 3 cells where the header has 2: [1,2]; mend that row'


def text_of_a_workers_traceback(step: str) -> str:
  try:
    raise UserError(MESSAGE + step)
  except UserError:
    return traceback.format_exc()


ERRORS = {
  'itself': UserError(MESSAGE),
  'with_its_step': UserError(f"{MESSAGE} [while running 'ScanInput/RejectBadRows']"),
  'with_several_lines_of_steps': UserError(f"{MESSAGE} [while running 'A']\n\nPassed on by:\n'B'"),
  'in_a_workers_traceback': RuntimeError(
    f'Error received from SDK harness for instruction 7:\n{text_of_a_workers_traceback("")}\n'
  ),
  'in_a_workers_traceback_with_its_step': RuntimeError(
    f'worker:\n{text_of_a_workers_traceback(" [while running " + repr("ScanInput/Reject-ptransform-12") + "]")}\nmore\n'
  ),
  'by_its_bare_name': RuntimeError(f'Traceback\nUserError: {MESSAGE}\nmore'),
}


@pytest.mark.parametrize('error', ERRORS.values(), ids=ERRORS)
def test_a_user_error_is_found_with_its_message_alone(error: Exception) -> None:
  found = user_error_in(error)

  assert isinstance(found, UserError)
  assert str(found) == MESSAGE


@pytest.mark.parametrize(
  'error',
  [RuntimeError('boom'), ValueError('not a UserError: really'), KeyError('SomeUserError: x'), RuntimeError('')],
  ids=repr,
)
def test_another_error_is_none(error: Exception) -> None:
  assert user_error_in(error) is None

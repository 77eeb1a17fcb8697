"""Which kind of input a run reads: by its flags or, where these leave it open, by the files' names."""

import dataclasses

import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs import kinds
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.setting_fields import Parameter, setting
from beam_taxi.settings import config, flags
from beam_taxi.settings.config import RunConfig, all_settings
from beam_taxi.settings.flags import parse_flags


@dataclasses.dataclass(frozen=True)
class Notes:
  """Settings of a second kind, one of which CSV has too."""

  mark: str = setting('#', 'what a note begins with', template=Parameter('Mark'))
  encoding: str = setting('utf-8', 'as Python names it', template=Parameter('Encoding'))


@pytest.fixture(autouse=True)
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
  found = (*kinds.KINDS, kinds.Kind('notes', Notes, 'unread:Unread', ('.notes', '.note')))
  for module in (kinds, config, flags):
    monkeypatch.setattr(module, 'KINDS', found)


@pytest.mark.parametrize(
  ('argv', 'settings'),
  [
    (['--input', 'a.csv'], Dialect()),
    (['--input', 'a'], Dialect()),
    (['--input', 'a/*.notes'], Notes()),
    (['--input', 'a.NOTES.gz'], Notes()),
    (['--input', 'a', 'b.note', 'c.notes'], Notes()),
    (['--input_split', 'train=a.note', '--input_split', 'eval=b.note'], Notes()),
    (['--input', 'a', '--mark', '%'], Notes('%')),
    (['--input', 'a.notes', '--delimiter', ';'], Dialect(';')),
    (['--input', 'a.notes', '--encoding', 'latin-1'], Notes(encoding='latin-1')),
    (['--input', 'a.csv', '--encoding', 'latin-1'], Dialect(encoding='latin-1')),
    # A template's launcher may give every flag, most with their defaults.
    (['--input', 'a.notes', '--delimiter', ',', '--mark', '#'], Notes()),
    (['--input', 'a', '--delimiter', ',', '--mark', '%'], Notes('%')),
  ],
)
def test_flags_choose_the_kind_and_else_names_do(argv: list[str], settings: object) -> None:
  found, beam_args = parse_flags([*argv, '--output', 'out'])

  assert (found.input_settings, beam_args) == (settings, [])


def test_names_choose_the_kind_of_a_config_that_says_none() -> None:
  assert RunConfig(('a.notes',), 'out', 'r').input_settings == Notes()
  assert RunConfig(('a.notes',), 'out', 'r', input_settings=Dialect()).input_settings == Dialect()


@pytest.mark.parametrize(
  ('argv', 'message'),
  [
    (['--input', 'a', '--delimiter', ';', '--mark', '%'], '--delimiter and --mark are of different kinds of input'),
    (['--input', 'a.csv', 'b.notes'], 'a.csv is csv and b.notes is notes: a run reads input of one kind'),
  ],
  ids=['flags', 'names'],
)
def test_two_kinds_are_refused(argv: list[str], message: str) -> None:
  with pytest.raises(UserError, match=message):
    parse_flags([*argv, '--output', 'out'])


def test_kinds_may_share_a_flag() -> None:
  assert [each.name for each in all_settings()].count('encoding') == 1

"""A comparison as tables and as JSON."""

import dataclasses
import io
import json
import math

import pytest
from rich.console import Console

from beam_taxi.analysis.comparison import Comparison, Pair
from beam_taxi.analysis.moves import Move, Thresholds
from beam_taxi.analysis.schema_changes import SchemaChange
from beam_taxi.show.terminal.comparison_tables import comparison_to_json, print_comparison

SAME = Comparison(
  first='run-1',
  second='run-2',
  input=(
    Pair('patterns', '*.csv', '*.csv'),
    Pair('files', 2, 2),
    Pair('rows', 2000, 2000),
    Pair('fingerprint', 'sha256:ab', 'sha256:ab'),
  ),
  records=(Pair('train', 1200, 1200), Pair('eval', 800, 800)),
  bad_rows=(Pair('not_text', 3, 3),),
  columns=(),
  same_examples=True,
  examples_compared='records',
  schema=(),
  moves=(),
  thresholds=Thresholds(),
  versions=(),
)
MOVE = Move('train', 'fare', 'mean', 12.3456, 1234567.0, 6.789)


def printed(comparison: Comparison, width: int = 100) -> str:
  out = io.StringIO()
  print_comparison(Console(file=out, width=width), comparison)
  return out.getvalue()


def but(**changed: object) -> Comparison:
  """The same runs, but for what is given."""
  return dataclasses.replace(SAME, **changed)


def line_of(text: str, *words: str) -> list[str]:
  """The words of the one line that begins with these."""
  [line] = [line.split() for line in text.splitlines() if line.split()[: len(words)] == list(words)]
  return line[len(words) :]


def test_runs_that_are_the_same_have_no_table() -> None:
  assert printed(SAME) == (
    'The runs are the same: run-1 and run-2 have the same input, records, columns and schema, and no statistic moved.\n'
    'Their shards have the same records.\n'
  )


OTHER_INPUT = (Pair('patterns', 'a', 'b'), Pair('rows', 2000, 2500), Pair('fingerprint', 'a', 'b'))


@pytest.mark.parametrize(
  ('comparison', 'verdict'),
  [
    (
      but(input=OTHER_INPUT),
      'Other input, the same results: run-1 and run-2 have the same records, columns and schema, and no statistic',
    ),
    (but(moves=(MOVE,)), 'The same input, other results: run-1 and run-2 have different statistics.'),
    (
      but(input=OTHER_INPUT, records=(Pair('train', 1, 2),), columns=(Pair('fare', 'INT', None),)),
      'Other input, other results: run-1 and run-2 have different records, columns.',
    ),
    (but(bad_rows=(Pair('not_text', 0, 1),)), 'run-1 and run-2 have different bad rows.'),
    (but(schema=(SchemaChange('fare', 'type', 'INT', 'FLOAT'),)), 'run-1 and run-2 have different schema.'),
  ],
  ids=['input', 'statistics', 'all', 'bad rows', 'schema'],
)
def test_the_first_line_says_what_is_different(comparison: Comparison, verdict: str) -> None:
  assert verdict in printed(comparison).splitlines()[0]


@pytest.mark.parametrize(
  ('same', 'compared', 'said'),
  [
    (False, 'records', 'Their shards do not have the same records.'),
    (True, 'files', 'Their Examples are the same bytes.'),
    (False, 'files', 'Their Examples are not the same bytes.'),
  ],
)
def test_records_are_told_from_files(same: bool, compared: str, said: str) -> None:
  assert printed(but(same_examples=same, examples_compared=compared)).splitlines()[1] == said


def test_inputs_are_side_by_side_with_their_change() -> None:
  text = printed(but(input=OTHER_INPUT))

  assert line_of(text, 'patterns') == ['a', 'b', 'different']
  assert line_of(text, 'rows') == ['2,000', '2,500', '+500', '(+25.0%)']
  assert line_of(text, 'content') == ['different']


def test_of_inputs_of_one_size_nobody_knows_whether_more_than_a_path_is_different() -> None:
  text = printed(but(input=(Pair('patterns', 'a', 'b'), Pair('rows', 9, 9), Pair('fingerprint', 'a', 'b'))))

  assert line_of(text, 'content') == ['or', 'a', 'path', 'different']


def test_records_and_bad_rows_are_side_by_side_with_their_change() -> None:
  records = (Pair('my_train', 1200, 900), Pair('eval', None, 800))

  text = printed(but(records=records, bad_rows=(Pair('not_text', 0, 3),)))

  assert line_of(text, 'my_train') == ['1,200', '900', '-300', '(-25.0%)']
  assert line_of(text, 'eval') == ['-', '800', '+800']
  assert line_of(text, 'not', 'text') == ['0', '3', '+3']


def test_columns_and_packages_are_side_by_side() -> None:
  text = printed(but(columns=(Pair('tip', None, 'FLOAT'),), versions=(Pair('pyarrow', '10.0', '25.0'),)))

  assert line_of(text, 'tip') == ['-', 'FLOAT']
  assert line_of(text, 'pyarrow') == ['10.0', '25.0']


def test_a_schema_change_has_the_strings_that_came_and_went() -> None:
  added = tuple(f's{number}' for number in range(1007))
  change = SchemaChange('company', 'string domain', '2 strings', '1,008 strings', added, ('[old]',))

  text = printed(but(schema=(change,)), width=200)

  assert '1,008 strings; + "s0", "s1", "s2", "s3", "s4" and 1,002 more; - "[old]"' in text


def test_a_change_for_all_features_says_so() -> None:
  text = printed(but(schema=(SchemaChange('', 'default_environment', '', 'A'),)))

  assert line_of(text, 'all', 'features', 'default', 'environment') == ['-', 'A']


@pytest.mark.parametrize(
  ('move', 'shown'),
  [
    (MOVE, ['mean', '12.3456', '1,234,567', '6.8']),
    (Move('train', 'fare', 'zeros', 0.125, 0.5, 37.5), ['zeros', '12.5%', '50.0%', '37.5']),
    (
      Move('train', 'fare', 'share of value', 0, 0.5, 50, '[b]x\n'),
      ['share', 'of', '[b]x\\n', '0.0%', '50.0%', '50.0'],
    ),
    (Move('train', 'fare', 'L-infinity distance', 0, 0.25, 5), ['L-infinity', 'distance', '0.25', '5.0']),
    (Move('train', 'fare', 'max', 1, math.inf, math.inf), ['max', '1', '∞', '∞']),
    (Move('train', 'fare', 'mean', math.nan, 1, math.inf), ['mean', 'NaN', '1', '∞']),
  ],
  ids=['mean', 'share', 'share of a string', 'distance', 'infinite', 'not a number'],
)
def test_a_move_has_both_numbers_and_its_size(move: Move, shown: list[str]) -> None:
  assert line_of(printed(but(moves=(move,))), 'fare', 'train') == shown


def test_what_counts_as_a_move_is_said() -> None:
  text = printed(but(moves=(MOVE,), thresholds=Thresholds(mean=0.25)), width=1000)

  assert 'a mean by 0.25 standard deviations' in text


def test_of_many_moves_the_first_are_shown_and_the_others_counted() -> None:
  moves = tuple(Move('train', f'feature{number}', 'mean', 0, 1, 10) for number in range(1234))

  text = printed(but(moves=moves))

  assert 'feature29 ' in text
  assert 'feature30 ' not in text
  assert '1,204 smaller moves are not shown.' in text


@pytest.mark.parametrize('width', [60, 80])
def test_no_table_is_wider_than_the_terminal(width: int) -> None:
  columns = (Pair('a' * 50, 'FLOAT', 'STRING'),)
  change = SchemaChange('company' * 9, 'presence', 'min_fraction: 1.0 min_count: 1', 'min_count: 1')
  text = printed(but(columns=columns, schema=(change,), moves=(MOVE,), second='run-' + '2' * 40), width)

  assert max(map(len, text.splitlines()[2:])) <= width


def test_json_has_all_and_whether_it_is_the_same() -> None:
  found = json.loads(comparison_to_json(but(moves=(MOVE,))))

  assert (found['first'], found['second']) == ('run-1', 'run-2')
  assert (found['same_input'], found['same_results'], found['same_examples']) == (True, False, True)
  assert found['records'][0] == {'name': 'train', 'first': 1200, 'second': 1200}
  assert found['moves'] == [dataclasses.asdict(MOVE)]


def test_json_has_null_for_what_is_no_number() -> None:
  found = json.loads(comparison_to_json(but(moves=(Move('train', 'x', 'max', math.nan, math.inf, math.inf),))))

  assert [found['moves'][0][name] for name in ('first', 'second', 'times')] == [None, None, None]

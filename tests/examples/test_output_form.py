"""An OutputForm is right once it is made, and what is wrong names the field and what to do."""

from typing import Any

import pytest

from beam_taxi.errors import UserError
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splits import Split

WRONG: dict[str, tuple[dict[str, Any], str]] = {
  'no_splits': ({'splits': ()}, 'no splits: give at least one'),
  'repeated_split': ({'splits': (Split('a', 1), Split('a', 2))}, '--splits names a split twice: a, a'),
  'too_many_buckets': ({'splits': (Split('a', 2**31), Split('b', 2**31))}, '--splits has 4,294,967,296 buckets'),
  'feature_order': ({'feature_order': 'cpp'}, '--feature_order cpp: give one of upb, plain'),
  'empty_cells': ({'empty_cells': 'null'}, '--empty_cells null: give one of empty, missing'),
  'output_format': ({'output_format': 'csv'}, '--output_format csv: give one of tfrecord, parquet'),
  'compression_level': ({'compression_level': 10}, '--compression_level 10: give 1 to 9'),
  'level_of_parquet': ({'compression_level': 6, 'output_format': 'parquet'}, '--compression_level is of TFRecord'),
  'seed': ({'shuffle_seed': -1}, '--shuffle_seed -1: give 0 or more'),
  'block_size': ({'block_size': 0}, '--block_size 0: give a positive number of bytes'),
}


@pytest.mark.parametrize(('fields', 'message'), WRONG.values(), ids=WRONG)
def test_a_field_that_is_wrong_is_told_with_its_name(fields: dict[str, Any], message: str) -> None:
  with pytest.raises(UserError) as raised:
    OutputForm(**fields)

  assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
  ('name', 'buckets', 'message'),
  [('a/b', 1, "split name 'a/b': use letters"), ('a', 0, "split 'a' has 0 buckets: give at least 1")],
  ids=['name', 'buckets'],
)
def test_a_split_that_cannot_be_is_told_with_its_name(name: str, buckets: int, message: str) -> None:
  with pytest.raises(UserError, match=message):
    Split(name, buckets)

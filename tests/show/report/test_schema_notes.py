"""What the report says of a schema, and the statistics that it gives as the reason."""

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from statistics_of import dataset, numbers, strings
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from beam_taxi.analysis.feature_statistics import statistics_of
from beam_taxi.show.report.schema_notes import schema_notes


def notes_of(*features, curated: str = '', schema: Schema | None = None) -> dict:
  train = dataset(4, *features)
  made = schema or tfdv.infer_schema(DatasetFeatureStatisticsList(datasets=[train]), infer_feature_shape=True)
  found = statistics_of(train)
  return schema_notes(made, {'train': found, 'eval': found}, curated)


def why(note: dict) -> dict[str, tuple[str, str]]:
  return {what: (says, reason) for what, says, reason in note['notes']}


def test_a_feature_that_every_row_has_is_required_and_of_one_value() -> None:
  notes = why(notes_of(numbers('x', [1, 2, 3, 4], 4))['x'])

  assert notes['Type'] == ('FLOAT', 'train and eval: as FLOAT')
  assert notes['Presence'] == ('required', 'no row of train and eval is without it')
  assert notes['Valency'] == ('one value', 'train and eval: 1 in each row that has it')
  assert notes['Domain'] == ('any', 'train and eval: 1 to 4; numbers get no domain from statistics')


def test_empty_cells_leave_a_feature_without_a_shape() -> None:
  notes = why(notes_of(numbers('x', [1, 2], 4))['x'])

  assert notes['Presence'] == ('required', 'no row of train and eval is without it, though in some it is an empty list')
  assert notes['Valency'] == ('any number of values', 'train and eval: 0 to 1 a row')


def test_a_feature_that_rows_lack_is_optional() -> None:
  feature = numbers('x', [1, 2, 3], 4)
  feature.num_stats.common_stats.num_non_missing = 3
  feature.num_stats.common_stats.num_missing = 1
  notes = why(notes_of(feature)['x'])

  assert notes['Presence'][0] == 'optional, in 1 row or more'
  assert '25.0% of the rows of train are without it' in notes['Presence'][1]


def test_few_distinct_strings_are_a_domain_and_many_are_not() -> None:
  many = {f'value {place}': 1 for place in range(150)}
  found = notes_of(strings('few', {'b': 3, 'a': 1}, 4), strings('many', many, 150))

  assert found['few']['values'] == ['a', 'b']
  assert why(found['few'])['Domain'] == (
    '2 strings', 'train and eval: 2 distinct; up to 100 distinct strings become a domain',
  )  # fmt: skip
  assert why(found['many'])['Domain'][0] == 'any'
  assert '150 distinct; more than 100' in why(found['many'])['Domain'][1]


def test_strings_that_are_all_numbers_have_a_domain_of_numbers_which_nobody_edited() -> None:
  text = 'feature { name: "zip" type: BYTES presence { min_fraction: 1 } int_domain { } }'
  notes = why(notes_of(strings('zip', {'01067': 3, '10115': 1}, 4), schema=text_format.Parse(text, Schema()))['zip'])

  assert notes['Domain'] == (
    '-∞ to ∞, written as text', 'train and eval: 2 distinct; strings that are all numbers get a domain of numbers',
  )  # fmt: skip
  assert 'Int domain' not in notes


def test_a_given_schema_says_so_and_shows_all_that_it_says() -> None:
  text = """
    feature { name: "x" type: INT presence { min_fraction: 0.5 } value_count { min: 1 max: 3 }
      int_domain { min: 0 max: 9 } not_in_environment: "SERVING" }
    feature { name: "absent" type: BYTES }"""
  found = notes_of(numbers('x', [1, 2, 3, 4], 4), curated='curated.pbtxt', schema=text_format.Parse(text, Schema()))
  notes = why(found['x'])

  assert (found['x']['presence'], found['x']['valency']) == ('in 50.0% of rows or more', '1 to 3 values')
  assert notes['Domain'][0] == '0 to 9'
  assert notes['Not in environment'][0] == 'SERVING'
  assert all(reason.startswith('given by curated.pbtxt') for _, reason in notes.values())
  assert found['absent']['presence'] == 'may be absent'

"""The summary shows what the manifest, the statistics and the counters say."""

import dataclasses
import io
import pathlib

import pytest
from rich.console import Console
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList, FeatureNameStatistics

from beam_taxi.analysis.feature_statistics import COUNT_ERROR
from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, WrittenFile
from beam_taxi.show.terminal.run_summary import RunSummary, print_summary


def statistics(with_records: bool = True) -> bytes:
  """Of 2,000 rows: 'fare' has 1,500 values; 'company' has all, of which 500 are '[Blue]'."""
  found = DatasetFeatureStatisticsList()
  dataset = found.datasets.add(num_examples=2000 if with_records else 0)
  if with_records:
    fare = dataset.features.add(type=FeatureNameStatistics.FLOAT)
    fare.path.step.append('fare')
    fare.num_stats.common_stats.tot_num_values = 1500
    fare.num_stats.min, fare.num_stats.mean, fare.num_stats.max = -2.5, 12.345678, 1234567.0
    company = dataset.features.add(type=FeatureNameStatistics.STRING)
    company.path.step.append('company')
    company.string_stats.common_stats.tot_num_values = 2000
    company.string_stats.unique = 1234
    company.string_stats.top_values.add(value='[Blue]', frequency=500)
  return found.SerializeToString()


def summary(folder: pathlib.Path, rows: int = 3000, metadata: str = 'sqlite:///m.sqlite') -> RunSummary:
  (folder / 'train.pb').write_bytes(statistics(rows > 0))
  train = rows * 2 // 3
  manifest = Manifest(
    run_id='run-1',
    pipeline_name='taxi',
    input=InputSummary(('*.csv',), 2, 1_500_000, rows, ''),
    columns={'fare': 'FLOAT', 'company': 'STRING'},
    splits={'train': train, 'eval': rows - train},
    artifacts={
      'examples': (
        WrittenFile('0', '', 'train', 900, 1),
        WrittenFile('1', '', 'train', 1100, 1),
        WrittenFile('2', '', 'eval', 5, 1),
      ),
      'statistics': (WrittenFile(str(folder / 'train.pb'), '', 'train'),),
      'schema': (WrittenFile('/out/runs/run-1/schema/schema.pbtxt', ''),),
    },
    versions={},
  )
  ids = {'examples': 71, 'statistics': 72, 'schema': 73}
  return RunSummary('run-1', manifest, RunFolder('/out/runs/run-1'), {'ReadRows.msecs': 12_340}, 56.78, metadata, ids)


def printed(shown: RunSummary, width: int = 80) -> str:
  out = io.StringIO()
  print_summary(Console(file=out, width=width), shown)
  return out.getvalue()


def line_of(text: str, *words: str) -> list[str]:
  """The cells of the one line that begins with these words."""
  [line] = [line.split() for line in text.splitlines() if line.split()[: len(words)] == list(words)]
  return line[len(words) :]


def test_the_first_lines_say_that_the_run_is_complete_and_what_it_read(tmp_path: pathlib.Path) -> None:
  text = printed(summary(tmp_path))

  assert 'Run run-1 is complete in 56.8 s' in text
  assert '3,000 rows, 1.5 MB in 2 files' in text


def test_a_step_that_nobody_told_of_has_its_seconds_too(tmp_path: pathlib.Path) -> None:
  shown = dataclasses.replace(summary(tmp_path), counters={'ScanRanges.msecs': 500, 'JudgeRows.msecs': 2_600})

  text = printed(shown)

  assert line_of(text, 'JudgeRows') == ['2.6']
  assert line_of(text, 'ScanRanges')[-1] == '0.5'


def test_each_split_has_its_records_share_shards_and_size(tmp_path: pathlib.Path) -> None:
  text = printed(summary(tmp_path))

  assert line_of(text, 'train') == ['2,000', '66.7%', '2', '2.0', 'kB']
  assert line_of(text, 'eval') == ['1,000', '33.3%', '1', '5', 'B']


def test_a_number_has_its_missing_share_and_range(tmp_path: pathlib.Path) -> None:
  assert line_of(printed(summary(tmp_path)), 'fare', 'FLOAT') == ['25.0%', '-2.5', '12.35', '1,234,567']


def test_a_string_has_its_distinct_values_and_the_most_common_one_as_it_is(tmp_path: pathlib.Path) -> None:
  assert line_of(printed(summary(tmp_path)), 'company', 'STRING') == ['0.0%', '1,234', '[Blue]', '(25.0%)']


def test_an_estimated_number_of_distinct_values_is_told_from_a_counted_one(tmp_path: pathlib.Path) -> None:
  shown = summary(tmp_path)
  found = DatasetFeatureStatisticsList.FromString((tmp_path / 'train.pb').read_bytes())
  found.datasets[0].features[1].custom_stats.add(name=COUNT_ERROR, num=3)
  (tmp_path / 'train.pb').write_bytes(found.SerializeToString())

  assert line_of(printed(shown), 'company', 'STRING')[:3] == ['0.0%', '≈', '1,234']


def test_a_step_has_the_seconds_that_its_workers_took(tmp_path: pathlib.Path) -> None:
  text = printed(summary(tmp_path))

  assert line_of(text, 'ReadRows')[-1] == '12.3'
  assert line_of(text, 'WriteShards')[-1] == '0.0'


def test_each_artifact_has_its_id_and_its_place(tmp_path: pathlib.Path) -> None:
  text = printed(summary(tmp_path))

  assert line_of(text, 'examples') == ['71', 'examples']
  assert line_of(text, 'schema') == ['73', 'schema/schema.pbtxt']
  assert 'Where: /out/runs/run-1\n' in text
  assert 'Metadata: recorded in sqlite:///m.sqlite\n' in text


def test_a_run_that_is_not_recorded_says_so(tmp_path: pathlib.Path) -> None:
  assert 'Metadata: not recorded\n' in printed(summary(tmp_path, metadata='none'))


def test_a_run_without_rows_has_a_summary_too(tmp_path: pathlib.Path) -> None:
  text = printed(summary(tmp_path, rows=0))

  assert '0 rows' in text
  assert line_of(text, 'fare') == ['FLOAT']


@pytest.mark.parametrize('width', [60, 80])
def test_no_line_is_wider_than_the_terminal(tmp_path: pathlib.Path, width: int) -> None:
  assert max(map(len, printed(summary(tmp_path), width).splitlines())) <= width

"""Runs that judge their data: the verdict on the terminal, in files, in the record and in the exit code."""

import csv
import json
import pathlib
import random
import xml.etree.ElementTree as ElementTree

import pytest
from commands import beam_taxi
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.metadata.store import connect


def write_day(path: pathlib.Path, seed: int, rows: int = 3000, *, factor: float = 1, new: float = 0) -> None:
  chance = random.Random(seed)
  with path.open('w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['fare', 'payment', 'note'])
    for _ in range(rows):
      payment = 'Crypto' if chance.random() < new else chance.choice(['Cash', 'Cash', 'Card'])
      writer.writerow([round(chance.lognormvariate(2, 0.5) * factor, 2), payment, chance.choice('abc')])


def run(folder: pathlib.Path, run_id: str, *flags: str) -> tuple[int, str, str]:
  done = beam_taxi(folder, '--input', f'{run_id}.csv', '--output', 'out', '--run_id', run_id, *flags, COLUMNS='200')
  return done.returncode, done.stdout, done.stderr


def findings(folder: pathlib.Path, run_id: str) -> list[dict]:
  return json.loads((folder / f'out/runs/{run_id}/findings/findings.json').read_text())['findings']


@pytest.fixture(scope='module')
def days(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A folder with runs of three days: the first, one like it, and one that is wrong."""
  folder = tmp_path_factory.mktemp('days')
  write_day(folder / 'monday.csv', 1)
  write_day(folder / 'tuesday.csv', 2)
  write_day(folder / 'wednesday.csv', 3, factor=3, new=1 / 9)
  (folder / 'rules.toml').write_text('[[rule]]\ncheck = "fare.mean < 15"\nwhy = "the tariff"\n')
  code, out, _ = run(folder, 'monday')
  assert code == 0
  assert 'Verdict' not in out
  (folder / 'schema.pbtxt').write_bytes((folder / 'out/runs/monday/schema/schema.pbtxt').read_bytes())
  judged = ['--schema', 'schema.pbtxt', '--baseline', 'latest', '--rules', 'rules.toml', '--on_anomalies', 'fail']
  for day, expected in (('tuesday', 0), ('wednesday', 3)):
    code, out, err = run(folder, day, *judged)
    assert code == expected, err
    (folder / f'{day}.log').write_text(out)
  return folder


def test_a_day_like_the_others_is_ok(days: pathlib.Path) -> None:
  assert findings(days, 'tuesday') == []
  assert '\nVerdict: ok\n' in (days / 'tuesday.log').read_text()
  manifest = read_manifest(RunFolder(str(days / 'out/runs/tuesday')))
  assert manifest
  assert (manifest.verdict, manifest.held) == ('ok', False)


def test_a_day_that_is_wrong_says_what_is_how_bad_and_against_what(days: pathlib.Path) -> None:
  found = {(each['kind'], each['feature'], each['severity']) for each in findings(days, 'wednesday')}

  assert found == {
    ('drift', 'fare', 'error'),
    ('rule', 'fare', 'error'),
    ('new_values', 'payment', 'error'),
    ('drift', 'payment', 'warning'),
  }
  lines = (days / 'wednesday.log').read_text().splitlines()
  assert 'Verdict: error: 3 errors, 1 warning' in lines
  [line] = [line for line in lines if 'fare: median' in line]
  assert '; against run tuesday]: look at what has changed' in line
  assert [line for line in lines if 'fare.mean < 15 (the tariff)' in line]
  assert 'beam_taxi accept wednesday --why' in (days / 'wednesday.log').read_text()


def test_its_anomalies_are_where_tfx_looks_for_them(days: pathlib.Path) -> None:
  store = connect(f'sqlite:///{days}/out/metadata.sqlite')
  for day, blessed in (('tuesday', 1), ('wednesday', 0)):
    folder = days / 'out/runs' / day / 'anomalies'
    for split in ('train', 'eval'):
      [path] = (folder / f'Split-{split}').iterdir()
      assert path.name == 'SchemaDiff.pb'
      assert bool(Anomalies.FromString(path.read_bytes()).anomaly_info) == (not blessed)
    [artifact] = [each for each in store.get_artifacts_by_type('ExampleAnomalies') if each.uri == str(folder)]
    assert artifact.properties['split_names'].string_value == '["train", "eval"]'
    assert artifact.properties['span'].int_value == 0
    assert dict(artifact.custom_properties['blessed'].struct_value) == {'train': blessed, 'eval': blessed}
    [event] = store.get_events_by_artifact_ids([artifact.id])
    [execution] = store.get_executions_by_id([event.execution_id])
    assert store.get_execution_types_by_id([execution.type_id])[0].name == 'beam_taxi.ExampleValidator'
    read = [each for each in store.get_events_by_execution_ids([execution.id]) if each.type == mlmd_pb2.Event.INPUT]
    assert {each.path.steps[0].key for each in read} == {'statistics', 'schema'}


def test_its_examples_are_held_back_until_somebody_accepts_the_day(days: pathlib.Path) -> None:
  uri = f'sqlite:///{days}/out/metadata.sqlite'

  def state() -> str:
    [examples] = [each for each in connect(uri).get_artifacts_by_type('Examples') if 'wednesday' in each.uri]
    return mlmd_pb2.Artifact.State.Name(examples.state)

  assert state() == 'PENDING'
  verified = beam_taxi(days, 'verify', 'wednesday', '--output', 'out')
  assert verified.returncode == 0, verified.stdout

  write_day(days / 'thursday.csv', 4)
  assert run(days, 'thursday', '--baseline', 'latest')[0] == 0
  assert findings(days, 'thursday') == []  # Against tuesday; wednesday's fares are three times as high.

  accepted = beam_taxi(days, 'accept', 'wednesday', '--output', 'out', '--why', 'a new tariff', '--by', 'maria')
  assert accepted.stdout == 'wednesday is accepted by maria: a new tariff\n'
  assert state() == 'LIVE'
  runs = beam_taxi(days, 'runs', '--output', 'out', '--json')
  [found] = [each for each in json.loads(runs.stdout) if each['run_id'] == 'wednesday']
  assert found['properties']['accepted_why'] == 'a new tariff'
  assert found['properties']['verdict'] == 'error'
  assert beam_taxi(days, 'verify', 'wednesday', '--output', 'out').returncode == 0

  write_day(days / 'friday.csv', 5, factor=3)
  assert run(days, 'friday', '--baseline', 'wednesday')[0] == 0
  assert [each['kind'] for each in findings(days, 'friday') if each['feature'] == 'fare'] == []


def test_the_first_day_has_nothing_to_compare_with(tmp_path: pathlib.Path) -> None:
  write_day(tmp_path / 'first.csv', 1, rows=50)

  code, out, err = run(tmp_path, 'first', '--baseline', 'latest', '--pipeline_name', 'mine')

  assert code == 0
  assert 'there is no earlier run of mine to compare with' in err
  assert 'Verdict: ok' not in out


def test_a_row_that_was_set_aside_is_a_warning_and_severities_can_be_set(days: pathlib.Path) -> None:
  (days / 'bad.csv').write_bytes((days / 'monday.csv').read_bytes() + b'1,2\n')
  flags = ['--schema', 'schema.pbtxt', '--bad_rows', 'quarantine']

  assert run(days, 'bad', *flags, '--on_anomalies', 'fail', '--severities', 'bad_rows:error')[0] == 3
  [finding] = findings(days, 'bad')
  assert (finding['kind'], finding['severity'], finding['what']) == (
    'bad_rows',
    'error',
    '1 row was set aside: 1 wrong number of cells',
  )


def test_a_column_of_another_type_is_an_anomaly_where_types_are_inferred(days: pathlib.Path) -> None:
  for name in ('types', 'inferred'):
    (days / f'{name}.csv').write_text((days / 'monday.csv').read_text() + 'free,Cash,a\n')

  given = run(days, 'types', '--schema', 'schema.pbtxt')
  inferred = run(days, 'inferred', '--schema', 'schema.pbtxt', '--schema_types', 'infer')

  assert given[0] == 2
  assert "'free' in column 'fare' is not FLOAT" in given[2]
  assert inferred[0] == 0
  assert {(each['kind'], each['feature']) for each in findings(days, 'inferred')} == {('type', 'fare')}


WRONG = {
  'rules': (['--rules', 'bad.toml'], 'bad.toml: is not TOML'),
  'unknown_feature': (['--rules', 'name.toml'], "there is no feature 'fair'; nearest: 'fare'"),
  'no_rules': (['--rules', 'none.toml'], 'none.toml'),
  'no_run': (['--baseline', 'sunday'], 'sunday'),
  'no_statistics': (['--baseline', './out'], 'has no statistics'),
  'environment': (['--schema', 'schema.pbtxt', '--environment', 'NIGHT'], 'no such default_environment'),
  'severity': (['--severities', 'drift:bad'], 'give drift:error'),
}


@pytest.mark.parametrize(('flags', 'message'), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_expectations_is_one_line(days: pathlib.Path, flags: list[str], message: str) -> None:
  (days / 'bad.toml').write_text('x')
  (days / 'name.toml').write_text('[[rule]]\ncheck = "fair.mean > 1"\n')
  write_day(days / 'wrong.csv', 9, rows=20)

  code, _, err = run(days, 'wrong', *flags)

  assert code == 2, err
  [line] = [line for line in err.splitlines() if line.startswith('error: ')]
  assert message in line
  assert 'Traceback' not in err


def test_statistics_that_exist_are_judged_without_their_rows(days: pathlib.Path) -> None:
  flags = ['--output', 'out', '--schema', 'schema.pbtxt', '--baseline', 'tuesday', '--rules', 'rules.toml']

  wrong = beam_taxi(days, 'validate', 'wednesday', *flags, '--junit', 'checks.xml', COLUMNS='200')
  right = beam_taxi(days, 'validate', 'out/runs/tuesday', '--json')
  file = beam_taxi(days, 'validate', 'out/runs/tuesday/statistics/Split-eval/FeatureStats.pb', *flags[2:4])
  bare = beam_taxi(days, 'validate', 'out/runs/tuesday/statistics')

  assert wrong.returncode == 3, wrong.stderr
  texts = (wrong.stdout, (days / 'wednesday.log').read_text())
  said, of_run = ([line for line in text.splitlines() if line.startswith(('Verdict', '  error'))] for text in texts)
  assert said == of_run != []
  suite = ElementTree.parse(days / 'checks.xml').getroot()
  assert (suite.get('name'), suite.get('tests'), suite.get('failures')) == ('wednesday', '4', '3')
  assert len(suite.findall('.//failure')) == 3
  assert json.loads(right.stdout) == {'version': 1, 'verdict': 'ok', 'findings': []}
  assert (file.returncode, file.stdout) == (0, 'Verdict: ok\n')
  assert (bare.returncode, bare.stderr.count('\n')) == (2, 1)
  assert 'has no schema beside it; give one with --schema' in bare.stderr


def test_what_cannot_be_judged_is_one_line(days: pathlib.Path) -> None:
  for what, flags, message in (
    ('sunday', ['--output', 'out'], 'sunday'),
    ('out/runs/tuesday', ['--junit', 'monday.csv/x.xml'], '--junit monday.csv/x.xml: cannot be written'),
    ('nothing', ['--schema', 'schema.pbtxt'], 'nothing: has no statistics'),
    ('monday.csv', ['--schema', 'schema.pbtxt'], 'monday.csv: has no statistics'),
    ('tuesday', ['--output', 'out', '--schema', 'rules.toml'], 'rules.toml: is not a schema in text form'),
  ):
    done = beam_taxi(days, 'validate', what, *flags)

    assert (done.returncode, done.stderr.count('\n')) == (2, 1), done.stderr
    assert message in done.stderr

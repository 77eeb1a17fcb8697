"""When one run may take what another made."""

import dataclasses
import pathlib
from collections.abc import Callable

import pytest

from beam_taxi.analysis.schema import write_curated_schema
from beam_taxi.artifacts.manifest import InputSummary, Manifest, WrittenFile
from beam_taxi.examples.splits import Split
from beam_taxi.inputs.columns import ColumnType
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.input_splits import InputSplit
from beam_taxi.record import reuse
from beam_taxi.record.resolving import list_sources
from beam_taxi.record.reuse import cache_key, fingerprint_of_input, is_whole
from beam_taxi.settings.config import RunConfig
from beam_taxi.steps import outputs, steps_of


def key_of_input(config: RunConfig) -> str:
  return cache_key(config, fingerprint_of_input(list_sources(config)))


CONFIG = RunConfig(('a.csv',), '/out', 'one')

SAME = {
  'output': {'output': '/elsewhere'},
  'run_id': {'run_id': 'two'},
  'pipeline_name': {'pipeline_name': 'other'},
  'store': {'metadata': 'mysql://me@host/db', 'record': 'graph', 'cache': True, 'preflight': False},
  'pattern': {'input': ('*.csv',)},
}
DIFFERENT = {
  'splits': {'splits': (Split('all', 1),)},
  'input_settings': {'input_settings': Dialect(delimiter=';')},
  'types': {'column_types': {'a': ColumnType.STRING}},
  'bad_rows': {'bad_rows': 'quarantine'},
  'shards': {'num_shards': 3},
  'format': {'output_format': 'parquet'},
  'seed': {'shuffle_seed': 0},
}


@pytest.mark.parametrize('change', SAME.values(), ids=SAME)
def test_where_and_how_a_run_is_kept_does_not_matter(change: dict) -> None:
  assert cache_key(dataclasses.replace(CONFIG, **change), 'f') == cache_key(CONFIG, 'f')


@pytest.mark.parametrize('change', DIFFERENT.values(), ids=DIFFERENT)
def test_what_decides_the_output_matters(change: dict) -> None:
  assert cache_key(dataclasses.replace(CONFIG, **change), 'f') != cache_key(CONFIG, 'f')


def test_the_input_matters() -> None:
  assert cache_key(CONFIG, 'f') != cache_key(CONFIG, 'g')


def test_the_versions_of_packages_matter(monkeypatch: pytest.MonkeyPatch) -> None:
  before = cache_key(CONFIG, 'f')
  monkeypatch.setattr(reuse, 'package_versions', lambda: {'pyarrow': '0'})

  assert cache_key(CONFIG, 'f') != before


def test_a_curated_schema_matters_by_what_is_in_it(tmp_path: pathlib.Path) -> None:
  def key(name: str, text: str) -> str:
    (tmp_path / name).write_text(text)
    return cache_key(dataclasses.replace(CONFIG, schema=str(tmp_path / name)), 'f')

  assert key('a', 'feature {}') == key('b', 'feature {}')
  assert key('a', 'feature {}') != key('a', '')


def test_a_curated_schema_counts_as_the_run_has_taken_it(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'schema'
  path.write_text('feature {}')
  config = dataclasses.replace(CONFIG, schema=str(path))
  before = cache_key(config, 'f')
  taken = write_curated_schema(str(tmp_path / 'taken'), config.schema)
  path.write_text('')

  assert cache_key(config, 'f', taken.sha256) == before


CHANGES: dict[str, Callable[[pathlib.Path], object]] = {
  'content': lambda folder: (folder / 'a.csv').write_text('a\n2\n'),
  'another_file': lambda folder: (folder / 'b.csv').write_text('a\n1\n'),
  'name': lambda folder: (folder / 'a.csv').rename(folder / 'c.csv'),
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_files_are_known_by_name_size_and_content(
  tmp_path: pathlib.Path, change: Callable[[pathlib.Path], object]
) -> None:
  (tmp_path / 'a.csv').write_text('a\n1\n')
  config = dataclasses.replace(CONFIG, input=(str(tmp_path / '*.csv'),))
  before = key_of_input(config)
  assert key_of_input(config) == before

  change(tmp_path)
  assert key_of_input(config) != before


@pytest.mark.parametrize('judged', [False, True], ids=['as_it_is', 'judged'])
def test_a_run_that_lacks_what_a_step_makes_is_not_taken(tmp_path: pathlib.Path, judged: bool) -> None:
  made = {output.key: () for output in outputs(steps_of(judged=judged))}
  (tmp_path / 'findings.json').write_text('x')
  findings = {'findings': (WrittenFile(str(tmp_path / 'findings.json'), 'aa'),)} if judged else {}
  manifest = Manifest('one', 'p', InputSummary((), 0, 0, 0, ''), {}, {}, {**made, **findings}, {})
  assert is_whole(manifest)

  for key in made:
    lacking = {other: files for other, files in manifest.artifacts.items() if other != key}
    assert not is_whole(dataclasses.replace(manifest, artifacts=lacking))


THERE = {'whole': (4, True), 'of_unknown_size': (None, True), 'cut': (5, False)}


@pytest.mark.parametrize(('size', 'whole'), THERE.values(), ids=THERE)
def test_a_run_is_whole_where_its_files_are_there_with_their_sizes(
  tmp_path: pathlib.Path, size: int | None, whole: bool
) -> None:
  path = tmp_path / 'a.gz'
  path.write_bytes(b'1234')
  made = {output.key: (WrittenFile(str(path), 'aa', bytes=size),) for output in outputs()}
  manifest = Manifest('one', 'p', InputSummary((), 0, 0, 0, ''), {}, {}, made, {})
  assert is_whole(manifest) is whole

  path.unlink()
  assert not is_whole(manifest)


def test_which_split_a_file_is_in_matters(tmp_path: pathlib.Path) -> None:
  paths = [tmp_path / name for name in ('a.csv', 'b.csv')]
  for path in paths:
    path.write_text('a\n1\n')

  def key(names: tuple[str, str]) -> str:
    splits = tuple(InputSplit(name, (str(path),)) for name, path in zip(names, paths, strict=True))
    return key_of_input(RunConfig(input_splits=splits, output='/out', run_id='one'))

  assert key(('train', 'eval')) != key(('eval', 'train'))

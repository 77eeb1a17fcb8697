"""Input, output, disk space and store, before a run; nothing is left behind."""

import gzip
import os
import pathlib
import shutil
from typing import NamedTuple

import pytest
from emulators.databases import DatabaseServer
from findings import shown

from beam_taxi.cloud.preflight import local
from beam_taxi.cloud.preflight.checks import Finding, PreflightError
from beam_taxi.errors import UserError
from beam_taxi.inputs.csv import csv_input
from beam_taxi.record.resolving import list_sources, plan_sources, resolve
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings.config import RunConfig

GB = 1000**3


class Usage(NamedTuple):
  total: int
  used: int
  free: int


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
  (tmp_path / 'rows.csv').write_text('a,b\n1,2\n')
  return tmp_path


def config(folder: pathlib.Path, *names: str, **settings: object) -> RunConfig:
  patterns = tuple(str(folder / name) for name in names or ['rows.csv'])
  return RunConfig(patterns, str(folder / 'out'), 'one', **settings)  # type: ignore[arg-type]


def input_of(wanted: RunConfig) -> list[Finding]:
  try:
    return local.input_findings(wanted, plan_sources(wanted, list_sources(wanted)))
  except UserError as error:
    return local.input_findings(wanted, error)


def test_an_input_is_described(folder: pathlib.Path) -> None:
  assert shown(input_of(config(folder))) == [('ok', '1 file, 8 bytes, 2 columns', '')]


def test_every_pattern_that_is_amiss_is_said(folder: pathlib.Path) -> None:
  found = input_of(config(folder, 'none.csv', 'rows.csv', 'x*.csv'))

  assert [what.rpartition('/')[2] for _, what, _ in shown(found)] == [
    'none.csv: no file matches',
    'x*.csv: no file matches',
  ]


def test_a_bad_header_is_said(folder: pathlib.Path) -> None:
  (folder / 'rows.csv').write_text('a,a\n1,2\n')

  [(mark, what, _)] = shown(input_of(config(folder)))

  assert (mark, "line 1: two columns are named 'a'" in what) == ('failed', True)


def test_an_output_that_can_be_written_is_left_as_it_was(folder: pathlib.Path) -> None:
  before = sorted(folder.rglob('*'))

  assert shown(local.output_finding(config(folder))) == [('ok', f'{folder} can be written', '')]
  assert sorted(folder.rglob('*')) == before


def test_an_output_that_is_there_is_refused(folder: pathlib.Path) -> None:
  (folder / 'out/runs/one').mkdir(parents=True)

  [found] = shown(local.output_finding(config(folder)))

  assert found == ('failed', f'{folder}/out/runs/one: already exists', 'choose another --run_id or --output')


def test_an_output_in_a_file_is_refused(folder: pathlib.Path) -> None:
  (folder / 'out').touch()

  [(mark, what, remedy)] = shown(local.output_finding(config(folder)))

  assert (mark, what.endswith('out is a file'), remedy) == ('failed', True, 'name a folder')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_an_output_that_cannot_be_written_is_refused(folder: pathlib.Path) -> None:
  folder.chmod(0o500)

  [(mark, what, _)] = shown(local.output_finding(config(folder)))

  assert (mark, 'Permission denied' in what) == ('failed', True)


def test_a_place_where_nobody_can_make_files_is_refused() -> None:
  [(mark, what, remedy)] = shown(local.probe('/dev/null'))

  assert (mark, what.startswith('/dev/null: cannot be written'), remedy) == (
    'failed',
    True,
    'choose an --output that can be written',
  )


SPACES = {'plenty': (3 * GB, 'ok'), 'perhaps_too_little': (GB, 'warning'), 'surely_too_little': (GB // 1000, 'failed')}


@pytest.mark.parametrize(('free', 'mark'), SPACES.values(), ids=SPACES)
def test_free_space_is_held_against_what_outputs_usually_take(
  monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path, free: int, mark: str
) -> None:
  wanted = config(folder)
  monkeypatch.setattr(local, 'total_bytes', lambda sources: GB)
  monkeypatch.setattr(csv_input, 'text_bytes', lambda files: GB)
  monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(0, 0, free))

  [(found, what, _)] = shown(local.space_finding(wanted, plan_sources(wanted, list_sources(wanted))))

  assert found == mark
  assert what.endswith('outputs usually take half of their input, 500.0 MB here')


def test_a_compressed_input_counts_for_what_it_holds(folder: pathlib.Path) -> None:
  (folder / 'rows.csv.gz').write_bytes(gzip.compress(b'a,b\n1,2\n'))
  wanted = config(folder, 'rows.csv.gz')
  [(_, plan)] = plan_sources(wanted, list_sources(wanted))

  assert plan.text_bytes == 6 * plan.bytes


def test_a_run_in_this_process_is_refused_where_there_is_surely_no_room(
  monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path
) -> None:
  monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(0, 0, 0))
  wanted = config(folder)

  with pytest.raises(PreflightError, match=r'preflight: disk space: 0 bytes are free'):
    local.check_output(wanted, str(folder), plan_sources(wanted, list_sources(wanted)))


def store_of(wanted: RunConfig, *flags: str) -> Finding:
  return local.store_finding(resolve(wanted, *parse_beam_args(flags)))


def test_a_store_that_is_not_there_yet_is_not_made(folder: pathlib.Path) -> None:
  before = sorted(folder.rglob('*'))

  found = store_of(config(folder))

  assert shown(found) == [('ok', f'sqlite:///{folder}/out/metadata.sqlite can be made', '')]
  assert sorted(folder.rglob('*')) == before


def test_a_file_that_is_no_store_is_refused(folder: pathlib.Path) -> None:
  with pytest.raises(UserError, match='it is no SQLite file'):
    store_of(config(folder, metadata=f'sqlite:///{folder}/rows.csv'))


def test_a_folder_is_no_store(folder: pathlib.Path) -> None:
  with pytest.raises(UserError, match='the store cannot be opened'):
    store_of(config(folder, metadata=f'sqlite:///{folder}'))


def test_a_store_where_nobody_can_make_files_is_refused(folder: pathlib.Path) -> None:
  [(mark, what, remedy)] = shown(store_of(config(folder, metadata='sqlite:////dev/null/runs.sqlite')))

  assert (mark, 'cannot be made' in what, remedy) == ('failed', True, 'give a path that can be written')


def test_a_server_is_asked(folder: pathlib.Path, postgresql_server: DatabaseServer) -> None:
  postgresql_server.create_database('preflight')
  uri = postgresql_server.uri('preflight')

  assert shown(store_of(config(folder, metadata=uri))) == [('ok', f'{uri} can be used', '')]
  with pytest.raises(UserError, match=r'the password cannot be read from /none'):
    store_of(config(folder, metadata=f'{uri.partition("?")[0]}?password_file=/none'))


def test_a_store_that_workers_do_not_reach_is_refused_where_they_record(folder: pathlib.Path) -> None:
  wanted = config(folder, metadata='grpc://localhost:1', record='graph')

  with pytest.raises(UserError, match='workers of another machine cannot reach the address localhost of this one'):
    store_of(wanted, '--runner=DataflowRunner')

"""Runs, and files by themselves, in S3, Azure and Cloud Storage: real servers of their protocols."""

import gc
import gzip
import itertools
import json
import pathlib
from collections.abc import Iterator

import pytest
from apache_beam.internal.gcp import auth
from emulators import object_stores
from emulators.databases import NotInstalledError
from emulators.object_stores import Store

from beam_taxi import read, storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.cli import _main as cli
from beam_taxi.errors import UserError
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.kinds import reader_of
from beam_taxi.inputs.matching import list_files
from beam_taxi.runners.options import parse_beam_args
from beam_taxi.settings.config import RunConfig
from beam_taxi.storage.objects import LEAST_READ, PART

FILES = {
  'trips/a.csv': b'n,s\n1,one\n2,"t\nwo"\n',
  'trips/2024/b.csv': b'n,s\n3,three\n',
  'trips/2024/01/c.csv': b'n,s\n4,four\n',
  'trips/2024/01/d.csv.gz': gzip.compress(b'n,s\n5,five\n6,six\n'),
  'trips/2024/_SUCCESS': b'',
  'trips/2024/.hidden.csv': b'n,s\n7,seven\n',
  'tripsheet.csv': b'n,s\n8,eight\n',
}


@pytest.fixture(scope='module', params=['s3', 'azure', 'gcs'])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
  """A store that has FILES, for this process's clients."""
  try:
    context = getattr(object_stores, request.param)()
    found = context.__enter__()
  except NotInstalledError as error:
    pytest.skip(str(error))
  try:
    with pytest.MonkeyPatch.context() as patch:
      for name, value in found.variables.items():
        patch.setenv(name, value)
      # Without credentials Beam connects anonymously to Google too, but looks for some for half a minute before.
      patch.setattr(auth._Credentials, '_credentials_init', True)
      storage.use_options(parse_beam_args(found.flags)[1])
      for name, content in FILES.items():
        found.put(name, content)
      yield found
  finally:
    context.__exit__(None, None, None)


def ran(store: Store, run_id: str, *words: object) -> RunFolder:
  """The folder of a run into the store, which goes well."""
  output = f'{store.root}/out'
  assert cli.main([*map(str, words), '--output', output, '--run_id', run_id, *store.flags]) == 0
  return RunFolder.of(output, run_id)


def manifest_of(folder: RunFolder) -> Manifest:
  manifest = read_manifest(folder)
  assert manifest
  return manifest


@pytest.mark.parametrize(
  ('pattern', 'names'),
  [
    ('trips/a.csv', ['trips/a.csv']),
    ('trips/*.csv', ['trips/a.csv']),
    ('trips/?.csv', ['trips/a.csv']),
    ('trips/[!b-z].csv', ['trips/a.csv']),
    ('trips*.csv', ['tripsheet.csv']),
    ('trips/**/[a-c].csv', ['trips/2024/01/c.csv', 'trips/2024/b.csv', 'trips/a.csv']),
    ('trips/**', [name for name in FILES if name.startswith('trips/') and '/.' not in name]),
    ('trips/*/01/*', ['trips/2024/01/c.csv', 'trips/2024/01/d.csv.gz']),
    ('trips/2024', ['trips/2024/b.csv']),
    ('trips/2024/', ['trips/2024/b.csv']),
  ],
)
def test_files_folders_and_patterns_name_objects(store: Store, pattern: str, names: list[str]) -> None:
  found = list_files([f'{store.root}/{pattern}'])

  assert [file.path for file in found] == sorted(f'{store.root}/{name}' for name in names)
  assert [file.size for file in found] == [len(FILES[file.path.removeprefix(f'{store.root}/')]) for file in found]


def test_a_pattern_without_an_object_is_refused(store: Store) -> None:
  with pytest.raises(UserError, match=r'none/\*\.csv: no file matches'):
    list_files([f'{store.root}/none/*.csv'])


@pytest.fixture(scope='module')
def quarters(taxi_csv: pathlib.Path) -> dict[str, bytes]:
  """The taxi trips in four files."""
  header, rows = taxi_csv.read_bytes().split(b'\n', 1)
  cuts = [0, *(rows.index(b'\n', len(rows) * part // 4) + 1 for part in (1, 2, 3)), len(rows)]
  return {
    f'quarters/{number}.csv': header + b'\n' + rows[start:end]
    for number, (start, end) in enumerate(itertools.pairwise(cuts))
  }


@pytest.fixture(scope='module')
def on_a_disk(quarters: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Manifest:
  """What a run makes of them on a disk."""
  folder = tmp_path_factory.mktemp('disk')
  for name, content in quarters.items():
    (folder / pathlib.Path(name).name).write_bytes(content)
  words = ['--input', str(folder), '--output', str(folder / 'out'), '--run_id', 'local', '--metadata', 'none']
  assert cli.main(words) == 0
  return manifest_of(RunFolder.of(str(folder / 'out'), 'local'))


def test_a_run_makes_the_files_that_it_makes_on_a_disk_in_few_requests(
  store: Store, quarters: dict[str, bytes], on_a_disk: Manifest
) -> None:
  for name, content in quarters.items():
    store.put(name, content)
  before = len(store.requests())

  folder = ran(store, 'run', '--input', f'{store.root}/quarters/*.csv', '--metadata', 'none')

  requests = len(store.requests()) - before
  made = manifest_of(folder)
  digests = [[(file.split, file.sha256, file.bytes) for file in each.examples] for each in (made, on_a_disk)]
  assert digests[0] == digests[1]
  assert made.schema.sha256 == on_a_disk.schema.sha256
  assert sum(len(read(folder.uri, split).dataframe()) for split in made.splits) == made.input.rows == 15_002
  # A small input is cut into ranges of 256 KiB.
  ranges = sum(-(-len(content) // (256 * 1024)) for content in quarters.values())
  asks = store.root.startswith('gs:')
  # The formula of docs/SCALING.md, where no file that is written is larger than a part.
  assert requests <= 2 * ranges + (3 if asks else 1) * len(quarters) + len(made.examples) + 4 * len(made.splits) + 20


def test_a_run_in_a_store_is_recorded_shown_and_taken_again(
  store: Store, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  store.put('some/a.csv', b'n,s\n1,one\n2\n')
  store.put('some/more/b.csv.gz', gzip.compress(b'n,s\n5,five\n6,six\n'))
  database = f'sqlite:///{tmp_path}/runs.sqlite'
  words = ['--input', f'{store.root}/some/**', '--metadata', database, '--cache', '--bad_rows', 'quarantine']
  folder = ran(store, 'first', *words)
  made, written = manifest_of(folder), store.names()

  ran(store, 'second', *words)

  assert store.names() == written
  assert made.input.rows == 4
  assert json.loads(storage.read_bytes(made.quarantine[0].path))['file'] == f'{store.root}/some/a.csv'
  assert 'first' in capfd.readouterr().out
  assert cli.main(['show', 'first', '--metadata', database]) == 0
  assert folder.uri in capfd.readouterr().out
  for what in (folder.uri, f'{folder.uri}/statistics'):
    assert cli.main(['report', what, '--out', f'{store.root}/page.html', *store.flags]) == 0
    assert b'<html' in store.get('page.html')


def test_sniff_reads_from_a_store(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
  assert cli.main(['sniff', f'{store.root}/trips/**/[a-c].csv', *store.flags]) == 0

  assert ['Rows', '4'] in [line.split()[:2] for line in capfd.readouterr().out.splitlines()]


def test_an_object_that_was_written_anew_since_it_was_listed_is_not_read(store: Store) -> None:
  store.put('anew.csv', b'n,s\n1,one\n')
  form = RunConfig((f'{store.root}/anew.csv',), f'{store.root}/out', 'anew').input_form
  reader, listed = reader_of(form.settings), list_files([f'{store.root}/anew.csv'])
  plan = reader.plan(listed, ColumnForm())
  [part] = reader.ranges(listed, form.sizes)
  [records] = reader.settle([reader.scan(part, plan, 1000)]).records
  store.put('anew.csv', b'n,s\n2,two\n')

  with pytest.raises(UserError, match=r'anew\.csv: was written anew since the run began'):
    list(reader.read(records, plan.layout, 1000))


@pytest.mark.parametrize('size', [0, 1, PART, PART + 1, 2 * PART + 1000], ids=str)
def test_an_object_of_any_size_is_written_whole_in_few_requests(store: Store, size: int) -> None:
  content = bytes(range(251)) * (size // 251 + 1)
  content = content[:size]
  path = f'{store.root}/size{size}'
  before = len(store.requests())

  storage.write_bytes(path, content)

  parts = -(-size // PART)
  assert len(store.requests()) - before <= (1 if parts <= 1 else parts + 2)
  assert storage.size(path) == size
  assert storage.read_bytes(path) == content
  with storage.open_for_reading(path) as stream:
    assert stream.read() == content


@pytest.mark.parametrize('size', [1, PART + 1], ids=['small', 'in_parts'])
def test_what_is_given_up_is_never_seen(store: Store, size: int) -> None:
  file = storage.AtomicFile(f'{store.root}/given_up')
  file.write(b'x' * size)

  file.discard()
  del file
  gc.collect()  # Streams of Python complete what they write when they go.

  assert 'given_up' not in store.names()


def test_an_object_that_is_not_there_is_gone_and_needs_no_deleting(store: Store) -> None:
  path = f'{store.root}/bucket-of-none.csv'

  with pytest.raises(FileNotFoundError):
    storage.read_bytes(path)
  storage.delete(path)


def test_two_who_write_the_same_large_object_at_once_leave_it_whole(store: Store) -> None:
  path, data = f'{store.root}/twice', bytes(range(251)) * (3 * PART // 251)
  one, other = storage.AtomicFile(path), storage.AtomicFile(path)
  for file in (one, other):
    file.write(data)

  one.commit()
  other.commit()

  assert storage.read_bytes(path) == data


def test_what_a_broken_block_has_written_leaves_the_object_that_was_there(store: Store) -> None:
  store.put('kept', b'old')

  def write() -> None:
    with storage.atomic_file(f'{store.root}/kept') as file:
      file.write(b'x' * (PART + 1))
      file.write(b'%d' % (1 // 0))

  with pytest.raises(ZeroDivisionError):
    write()
  gc.collect()
  assert store.get('kept') == b'old'


def test_a_span_is_read_by_one_request_and_what_follows_by_few(store: Store) -> None:
  content = bytes(range(256)) * (4 * LEAST_READ // 256)
  store.put('spans', content)
  [listed] = storage.match_files(f'{store.root}/spans')
  before = len(store.requests())

  with storage.open_for_reading(listed.path, listed, (1000, 500_000)) as stream:
    stream.seek(1000)
    assert stream.read(1) + stream.read(498_999) == content[1000:500_000]
    assert len(store.requests()) - before == 1
    assert stream.read(10) == content[500_000:500_010]
    assert stream.read(LEAST_READ - 10) == content[500_010 : 500_000 + LEAST_READ]
    assert len(store.requests()) - before == 2
    stream.seek(-5, 2)
    assert stream.read() == content[-5:]

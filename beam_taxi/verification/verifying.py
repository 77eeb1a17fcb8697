"""Verifying a run's folder: which files its manifest names, which there are, and what is in them, each read once."""

import dataclasses
import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, WrittenFile, read_manifest
from beam_taxi.errors import MishapError, UserError
from beam_taxi.steps import outputs
from beam_taxi.verification.contents import Difference, TFRecords, content_of, is_parquet
from beam_taxi.verification.results import NOTHING, Finding, Verified
from beam_taxi.verification.totals import differences_in_totals

_READ_SIZE = 256 * 1024


@dataclasses.dataclass(frozen=True)
class NamedFile:
  """A file that a manifest names: the artifact that it is of, its path in the folder, and all of its path now."""

  key: str
  name: str
  path: str
  written: WrittenFile


@dataclasses.dataclass(frozen=True)
class Plan:
  """What a verification is going to read.

  Attributes:
    manifest, folder: the run's.
    files: all that the manifest names.
    there: all files in the folders of the run's artifacts, by path.
    read: those of `files` that are there and are read whole.
  """

  manifest: Manifest
  folder: RunFolder
  files: tuple[NamedFile, ...]
  there: Mapping[str, storage.StoredFile]
  read: tuple[NamedFile, ...]

  @property
  def bytes(self) -> int:
    """How many bytes are read."""
    return sum(self.there[file.path].size for file in self.read)


def verify(run: 'str | os.PathLike[str]') -> Verified:
  """Whether what lies in a finished run's folder is what the run wrote: each file, each record, and the totals.

  Args:
    run: the folder, OUTPUT/runs/RUN_ID, here or in an object store, wherever it has been moved or copied to.

  Raises:
    UserError: this is not the folder of a finished run, or it cannot be read.
  """
  folder = RunFolder(os.fspath(run))
  manifest = read_manifest(folder)
  if not manifest:
    raise UserError(f'{folder.uri}: has no manifest.json; give the folder of a finished run, OUTPUT/runs/RUN_ID')
  return carry_out(plan(folder, manifest))


def plan(folder: RunFolder, manifest: Manifest, share: float = 1.0) -> Plan:
  """Plans a verification.

  Args:
    folder: where the run's files are now.
    manifest: the run's.
    share: how much of the shards is read whole, at least one of them: always the same ones of a run.

  Raises:
    UserError: a folder cannot be looked up.
  """
  files = [
    NamedFile(key, name, storage.join(folder.uri, name), file)
    for key, some in manifest.artifacts.items()
    for file in some
    for name in [_name(key, file.path)]
  ]
  folders = {file.path.rpartition('/')[0]: None for file in files}
  for output in outputs():
    folders.update({storage.join(folder.artifact(output.key), f'Split-{split}'): None for split in manifest.splits})
  there = {file.path: file for each in folders for file in _files_in(each)}
  chosen = _chosen([file for file in files if file.key == 'examples'], manifest.run_id, share)
  read = [file for file in files if file.path in there and (file.key != 'examples' or file.name in chosen)]
  return Plan(manifest, folder, tuple(files), there, tuple(read))


def _name(key: str, path: str) -> str:
  """A file's path in its run's folder: that may lie elsewhere than the manifest's paths say."""
  return storage.join(key, path.rpartition(f'/{key}/')[2])


def _files_in(folder: str) -> list[storage.StoredFile]:
  """The files right in a folder, but for hidden ones; none where there is no such folder."""
  try:
    return storage.match_files(folder)
  except OSError as error:
    raise UserError(f'{folder}: cannot be looked up ({storage.why(error)})') from error


def _chosen(shards: list[NamedFile], run_id: str, share: float) -> set[str]:
  """The names of a share of some shards, as if by lot, but by the run's id and their names alone; empty ones last."""

  def lot(shard: NamedFile) -> tuple[bool, bytes]:
    return not shard.written.records, hashlib.sha256(f'{run_id}/{shard.name}'.encode(errors='replace')).digest()

  return {shard.name for shard in sorted(shards, key=lot)[: math.ceil(share * len(shards))]}


def carry_out(planned: Plan, advance: Callable[[int], None] = lambda size: None) -> Verified:
  """Reads what was planned, on a thread for each core.

  Args:
    planned: what is read.
    advance: is told how many bytes have been read since it was told the last time. Any thread calls it.
  """
  digests = {file.written.sha256: file.name for file in planned.files}
  # The largest first, so that in the end no core waits for one.
  files = sorted(planned.read, key=lambda file: -planned.there[file.path].size)
  with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    found = list(pool.map(lambda file: _read(file, planned, digests, advance), files))
  of_files = list(_missing_and_foreign(planned))
  for file, read in zip(files, found, strict=True):
    of_files += [Finding(file.name, *difference) for difference in read.differences]
  findings = [*differences_in_totals(planned.manifest), *sorted(of_files, key=lambda finding: finding.file)]
  shards = [file for file in planned.files if file.key == 'examples']
  return Verified(
    planned.manifest.run_id,
    planned.folder.uri,
    files=len(planned.files),
    bytes=sum(read.bytes for read in found),
    shards=len(shards),
    shards_read=sum(file.key == 'examples' for file in planned.read),
    records=sum(read.records for read in found),
    findings=tuple(findings),
    not_checked=tuple(_not_checked(planned)),
  )


@dataclasses.dataclass(frozen=True)
class _FileRead:
  """A file that was read: how many bytes and whole records it has, and what is wrong."""

  bytes: int
  records: int
  differences: tuple[Difference, ...]


def _read(file: NamedFile, planned: Plan, digests: Mapping[str, str], advance: Callable[[int], None]) -> _FileRead:
  """Reads a file once; `digests` has the names of the run's files by their SHA-256."""
  content = content_of(file.key, file.written, planned.manifest)
  digest = hashlib.sha256()
  size = 0
  try:
    with storage.open_for_reading(file.path, planned.there[file.path]) as stream:
      while data := stream.read(_READ_SIZE):
        digest.update(data)
        content.add(data)
        size += len(data)
        advance(len(data))
  except OSError as error:
    return _FileRead(size, 0, (('a file that can be read', storage.why(error)),))
  except (UserError, MishapError) as error:
    return _FileRead(size, 0, (('a file that can be read', str(error)),))
  records = content.records if isinstance(content, TFRecords) else 0
  found = digest.hexdigest()
  if found != file.written.sha256 and found in digests:
    return _FileRead(size, records, ((f'SHA-256 {file.written.sha256}', f'that of {digests[found]}'),))
  differences = list(content.differences())
  # A file of another size is said to be that, and has another digest.
  if found != file.written.sha256 and file.written.bytes in (None, size):
    differences.insert(0, (f'SHA-256 {file.written.sha256}', found))
  if not differences and file.key == 'examples' and is_parquet(file.written):
    records, differences = _read_parquet(file)
  return _FileRead(size, records, tuple(differences))


def _read_parquet(file: NamedFile) -> tuple[int, list[Difference]]:
  """How many rows a file of Parquet has, and how that differs. What is read of it is its end."""
  import pyarrow as pa
  import pyarrow.parquet as pq

  try:
    with storage.open_for_reading(file.path) as stream:
      rows = int(pq.ParquetFile(stream).metadata.num_rows)
  except (pa.ArrowException, OSError, UserError, MishapError) as error:
    return 0, [('a file of Parquet', f'something else ({" ".join(str(error).split())})')]
  return rows, [] if rows == file.written.records else [(f'{file.written.records:,} rows', f'{rows:,}')]


def _missing_and_foreign(planned: Plan) -> Iterator[Finding]:
  """Files that are not there or of another size, and among those that readers take those that the run did not write."""
  for file in planned.files:
    expected, found = file.written.bytes, planned.there.get(file.path)
    if found is None:
      yield Finding(file.name, 'a file' if expected is None else f'a file of {expected:,} bytes', NOTHING)
    elif expected not in (None, found.size):
      yield Finding(file.name, f'{expected:,} bytes', f'{found.size:,} bytes')
  named = {file.path for file in planned.files}
  made = tuple(storage.join(planned.folder.artifact(output.key), '') for output in outputs())
  for path, foreign in sorted(planned.there.items()):
    if path not in named and path.startswith(made):
      name = path.removeprefix(storage.join(planned.folder.uri, ''))
      yield Finding(name, NOTHING, f'a file of {foreign.size:,} bytes that the run did not write')


def _not_checked(planned: Plan) -> Iterator[str]:
  shards = [file for file in planned.files if file.key == 'examples']
  read = [file for file in planned.read if file.key == 'examples']
  there = [file for file in shards if file.path in planned.there]
  if len(read) < len(there):
    yield f'what is in {len(there) - len(read):,} of {len(shards):,} shards: only that they are there, and their sizes'
  if sizes := sum(file.written.bytes is None for file in planned.files):
    yield f'the sizes of {sizes:,} files: the manifest does not have them'
  if digests := sum(not file.written.records_crc32c and not is_parquet(file.written) for file in read):
    yield f'the digests of the records of {digests:,} shards: the manifest does not have them'

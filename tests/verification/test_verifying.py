"""What lies in a run's folder is compared with what the run wrote, and nothing that differs is passed over."""

import contextlib
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from beam_taxi.artifacts.manifest import RunFolder, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.examples.tfrecord import footer_of, header_of
from beam_taxi.verification.results import Verified
from beam_taxi.verification.verifying import carry_out, plan, verify

SHARD = 'examples/Split-train/data_tfrecord-00000-of-00003.gz'
OTHER = 'examples/Split-train/data_tfrecord-00001-of-00003.gz'
STATISTICS = 'statistics/Split-train/FeatureStats.pb'
SCHEMA = 'schema/schema.pbtxt'
BAD_ROWS = 'quarantine/rows-00002-of-00003.jsonl'
FUZZ = int(os.environ.get('BEAM_TAXI_FUZZ', '1'))


def said(verified: Verified) -> list[str]:
  return [f'{finding.file}: {finding.expected} | {finding.found}' for finding in verified.findings]


def edit(folder: pathlib.Path, change: Callable[[Any], object]) -> None:
  """Changes a manifest's JSON."""
  path = folder / 'manifest.json'
  fields = json.loads(path.read_text())
  change(fields)
  path.write_text(json.dumps(fields))


def entry(fields: Any, name: str) -> Any:
  """What a manifest's JSON says of a file."""
  [found] = [file for file in fields['artifacts'][name.partition('/')[0]] if file['path'].endswith(name)]
  return found


def write_as_if_made(folder: pathlib.Path, name: str, data: bytes, **said: Any) -> None:
  """Writes a file, and into the manifest its size and digest, and whatever else is given."""
  (folder / name).write_bytes(data)
  digest = hashlib.sha256(data).hexdigest()
  edit(folder, lambda fields: entry(fields, name).update(sha256=digest, bytes=len(data), **said))


@pytest.mark.parametrize(
  ('name', 'records', 'shards'), [('tfrecord', 300, 6), ('parquet', 300, 2), ('old', 36, 4)], ids=str
)
def test_all_is_well_with_what_a_run_wrote_wherever_it_is_copied_to(
  copied: Callable[[str], pathlib.Path], name: str, records: int, shards: int
) -> None:
  folder = copied(name)

  found = verify(folder)

  assert said(found) == []
  assert (found.ok, found.records, found.shards_read, found.shards) == (True, records, shards, shards)
  named = [path for path in folder.rglob('*') if path.is_file() and path.name not in ('manifest.json', 'input.json')]
  assert (found.files, found.bytes) == (len(named), sum(path.stat().st_size for path in named))


def test_a_manifest_of_version_1_is_followed_as_far_as_it_goes(copied: Callable[[str], pathlib.Path]) -> None:
  folder = copied('old')
  assert json.loads((folder / 'manifest.json').read_text())['version'] == 1

  assert verify(folder).not_checked == (
    'the sizes of 4 files: the manifest does not have them',
    'the digests of the records of 4 shards: the manifest does not have them',
  )

  shard = folder / 'examples' / 'Split-train' / 'data_tfrecord-00000-of-00002.gz'
  shard.write_bytes(shard.read_bytes()[:-1])
  assert 'ends early' in said(verify(folder))[-1]


def test_a_manifest_without_digests_of_records_is_followed_as_far_as_it_goes(folder: pathlib.Path) -> None:
  def forget(fields: Any) -> None:
    for file in fields['artifacts']['examples']:
      del file['records_crc32c'], file['record_bytes']

  edit(folder, forget)

  found = verify(folder)
  assert found.ok
  assert found.not_checked == ('the digests of the records of 6 shards: the manifest does not have them',)


def flip(place: int, name: str = SHARD) -> Callable[[pathlib.Path], None]:
  def damage(folder: pathlib.Path) -> None:
    data = bytearray((folder / name).read_bytes())
    data[place] ^= 0x10
    (folder / name).write_bytes(data)

  return damage


def truncate(folder: pathlib.Path) -> None:
  (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:-100])


def empty(folder: pathlib.Path) -> None:
  (folder / SHARD).write_bytes(b'')


def swap(folder: pathlib.Path) -> None:
  (folder / SHARD).rename(folder / 'aside')
  (folder / OTHER).rename(folder / SHARD)
  (folder / 'aside').rename(folder / OTHER)


def lengthen(folder: pathlib.Path) -> None:
  data = (folder / SHARD).read_bytes() + gzip.compress(b'')
  write_as_if_made(folder, SHARD, data)


def frames_of(data: bytes) -> list[bytes]:
  """The frames of a compressed shard."""
  content, frames, begin = gzip.decompress(data), [], 0
  while begin < len(content):
    end = begin + 16 + int.from_bytes(content[begin : begin + 8], 'little')
    frames.append(content[begin:end])
    begin = end
  return frames


def rewrite(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[pathlib.Path], None]:
  """Writes a shard with other frames, as a good gzip file whose size and digest the manifest has."""

  def damage(folder: pathlib.Path) -> None:
    frames = change(frames_of((folder / SHARD).read_bytes()))
    write_as_if_made(folder, SHARD, gzip.compress(b''.join(frames)))

  return damage


def with_another_value(frames: list[bytes]) -> list[bytes]:
  record = frames[0][12:-4].replace(b'word', b'wort')
  return [header_of(len(record)) + record + footer_of(record), *frames[1:]]


def foreign(name: str) -> Callable[[pathlib.Path], Any]:
  return lambda folder: shutil.copy(folder / SHARD, folder / name)


def remove(name: str) -> Callable[[pathlib.Path], None]:
  return lambda folder: (folder / name).unlink()


def replace_by_folder(folder: pathlib.Path) -> None:
  (folder / SHARD).unlink()
  (folder / SHARD).mkdir()


def edited(change: Callable[[Any], object]) -> Callable[[pathlib.Path], None]:
  return lambda folder: edit(folder, change)


def counted(more: dict[str, int]) -> Callable[[pathlib.Path], None]:
  """Has the manifest say of shards that they have so many records more."""

  def count(fields: Any) -> None:
    for name, records in more.items():
      entry(fields, name)['records'] += records

  return edited(count)


# How what is found begins.
DIGEST = f'{SHARD}: SHA-256 '
SIZE = f'{SHARD}: '
NOT_INFLATED = f'{SHARD}: a gzip stream | one that is damaged'
ENDS_EARLY = f'{SHARD}: a gzip stream | one that ends early'
WRONG_CHECKSUM = f'{SHARD}: frames with the right checksums | a wrong one of the'
OTHER_RECORDS = f'{SHARD}: records with the CRC-32C'
OTHER_NUMBER = [f'{SHARD}: ', f'{SHARD}: records of', OTHER_RECORDS]
ROWS = 'manifest.json: 302 rows that were read'

DAMAGES: dict[str, tuple[Callable[[pathlib.Path], Any], list[str]]] = {
  'a byte of the gzip header that nobody reads': (flip(4), [DIGEST]),
  'a byte of the gzip header': (flip(0), [DIGEST, NOT_INFLATED]),
  'a byte in the middle': (flip(500), [DIGEST, NOT_INFLATED]),
  'a byte of the gzip trailer': (flip(-8), [DIGEST, NOT_INFLATED]),
  'the last byte': (flip(-1), [DIGEST, NOT_INFLATED]),
  'a byte of the statistics': (flip(100, STATISTICS), [f'{STATISTICS}: SHA-256 ']),
  'a byte of the bad rows': (flip(100, BAD_ROWS), [f'{BAD_ROWS}: SHA-256 ']),
  'a byte of the report': (flip(100, 'report/index.html'), ['report/index.html: SHA-256 ']),
  'a truncated shard': (truncate, [SIZE, ENDS_EARLY]),
  'an empty shard': (empty, [SIZE, f'{ENDS_EARLY}, after 0 bytes of content']),
  'two shards swapped': (swap, [DIGEST, SIZE, f'{OTHER}: SHA-256 ', f'{OTHER}: ']),
  'something behind the gzip stream': (
    lengthen,
    [f'{SHARD}: a gzip stream and nothing behind it | 20 bytes behind it'],
  ),
  'a record dropped': (rewrite(lambda frames: frames[:-1]), OTHER_NUMBER),
  'a record doubled': (rewrite(lambda frames: [frames[0], *frames]), OTHER_NUMBER),
  'records in another order': (rewrite(lambda frames: frames[::-1]), [OTHER_RECORDS]),
  'a record changed': (rewrite(with_another_value), [OTHER_RECORDS]),
  'a frame that ends early': (
    rewrite(lambda frames: [*frames[:-1], frames[-1][:-1]]),
    [f'{SHARD}: whole frames | a part of one behind record'],
  ),
  'a wrong checksum of a length': (
    rewrite(lambda frames: [b'\1' + frames[0][1:], *frames[1:]]),
    [f'{WRONG_CHECKSUM} length of record 0'],
  ),
  'a wrong checksum of data': (
    rewrite(lambda frames: [frames[0], frames[1][:-1] + bytes([frames[1][-1] ^ 1]), *frames[2:]]),
    [f'{WRONG_CHECKSUM} data of record 1'],
  ),
  'a missing shard': (remove(SHARD), [f'{SHARD}: a file of ']),
  'a missing report': (remove('report/index.html'), ['report/index.html: a file of ']),
  'a missing split': (
    lambda folder: shutil.rmtree(folder / 'examples' / 'Split-eval'),
    ['examples/Split-eval/data_tfrecord-'] * 3,
  ),
  'a folder in place of a shard': (replace_by_folder, [f'{SHARD}: a file of ']),
  'a foreign shard': (
    foreign('examples/Split-train/data_tfrecord-00003-of-00004.gz'),
    ['examples/Split-train/data_tfrecord-00003-of-00004.gz: nothing | a file of '],
  ),
  'foreign statistics': (
    foreign('statistics/Split-eval/more.pb'),
    ['statistics/Split-eval/more.pb: nothing | a file of '],
  ),
  'the count of a shard': (counted({SHARD: 1}), ['manifest.json: ', f'{SHARD}: ']),
  'the counts of two shards': (counted({SHARD: 1, OTHER: -1}), [f'{SHARD}: ', f'{OTHER}: ']),
  'the count of a split': (
    edited(lambda fields: fields['splits'].update(eval=5)),
    [
      "manifest.json: 5 records in 'eval' | shards with ",
      ROWS,
      'statistics/Split-eval/FeatureStats.pb: statistics of 5 records | ',
    ],
  ),
  'the count of the rows': (
    edited(lambda fields: fields['input'].update(rows=301)),
    ['manifest.json: 301 rows that were read | 300 records and 2 rows set aside'],
  ),
  'the count of the bad rows': (
    edited(lambda fields: fields['bad_rows'].update(wrong_number_of_cells=3)),
    ["manifest.json: 3 rows set aside as 'wrong_number_of_cells' | files with 2", ROWS],
  ),
  'a split that is not said': (
    edited(lambda fields: fields['splits'].pop('eval')),
    ["manifest.json: no shards of a split 'eval'", ROWS],
  ),
  'a bad row more': (
    lambda folder: write_as_if_made(folder, BAD_ROWS, b'{}\n{}\n'),
    [f'{BAD_ROWS}: 1 rows | 2'],
  ),
  'an unparsable schema': (
    lambda folder: write_as_if_made(folder, SCHEMA, b'feature {'),
    [f'{SCHEMA}: a Schema in text form | something else ('],
  ),
  'a schema that is no text': (
    lambda folder: write_as_if_made(folder, SCHEMA, b'\xff\xfe'),
    [f'{SCHEMA}: a Schema in text form | something else ('],
  ),
  'unparsable statistics': (
    lambda folder: write_as_if_made(folder, STATISTICS, b'\xff' * 9),
    [f'{STATISTICS}: a binary DatasetFeatureStatisticsList | something else'],
  ),
}


@pytest.mark.parametrize(('damage', 'expected'), DAMAGES.values(), ids=DAMAGES)
def test_what_is_not_as_the_run_left_it_is_found(
  folder: pathlib.Path, damage: Callable[[pathlib.Path], Any], expected: list[str]
) -> None:
  damage(folder)

  found = said(verify(folder))

  assert [line for line in found if '\n' in line] == []
  assert len(found) == len(expected), found
  for line, begin in zip(sorted(found), sorted(expected), strict=True):
    assert line.startswith(begin)


def test_a_shard_that_lies_where_another_should_is_named(folder: pathlib.Path) -> None:
  same_size = (folder / OTHER).read_bytes()
  edit(folder, lambda fields: entry(fields, SHARD).update(bytes=len(same_size)))
  (folder / SHARD).write_bytes(same_size)

  assert said(verify(folder))[0].endswith(f' | that of {OTHER}')


def test_hidden_files_are_nobodys(folder: pathlib.Path) -> None:
  (folder / 'examples' / 'Split-train' / '.data_tfrecord-00000-of-00003.gz.1a2b.tmp').write_bytes(b'left behind')

  assert verify(folder).ok


def test_files_that_cannot_be_read_are_said_to_be(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  from beam_taxi import storage

  really_open = storage.open_for_reading

  def refuse(path: str, *known: Any) -> Any:
    if path.endswith(SHARD):
      raise PermissionError(13, 'Permission denied', path)
    return really_open(path, *known)

  monkeypatch.setattr(storage, 'open_for_reading', refuse)

  assert said(verify(folder)) == [f'{SHARD}: a file that can be read | Permission denied']


def test_rows_of_parquet_are_counted(copied: Callable[[str], pathlib.Path]) -> None:
  folder = copied('parquet')
  name = 'examples/Split-train/data_parquet-00000-of-00001.parquet'
  table = pq.read_table(folder / name)
  pq.write_table(table.slice(1), folder / name)
  assert said(verify(folder))[0].startswith(f'{name}: ')

  write_as_if_made(folder, name, (folder / name).read_bytes())
  assert said(verify(folder)) == [f'{name}: {len(table)} rows | {len(table) - 1}']

  write_as_if_made(folder, name, b'PAR1 and no more PAR1')
  assert said(verify(folder))[0].startswith(f'{name}: a file of Parquet | something else (')


def sampled(folder: pathlib.Path, share: float) -> tuple[set[str], Verified]:
  """The shards that are read whole of a share, and what is found."""
  place = RunFolder(str(folder))
  manifest = read_manifest(place)
  assert manifest
  planned = plan(place, manifest, share)
  return {file.name for file in planned.read if file.key == 'examples'}, carry_out(planned)


def test_a_share_of_the_shards_is_read_and_it_is_always_the_same(folder: pathlib.Path) -> None:
  names, found = sampled(folder, 0.3)

  assert (len(names), found.shards_read, found.shards) == (2, 2, 6)
  assert found.not_checked == ('what is in 4 of 6 shards: only that they are there, and their sizes',)
  assert sampled(folder, 0.3)[0] == names
  assert names < sampled(folder, 0.6)[0]
  assert len(sampled(folder, 0.001)[0]) == 1


def test_of_shards_that_are_not_read_the_sizes_are_known(folder: pathlib.Path) -> None:
  names, _ = sampled(folder, 0.5)
  path = next(path for path in (folder / 'examples').rglob('*.gz') if path.relative_to(folder).as_posix() not in names)
  data = path.read_bytes()

  path.write_bytes(bytes(len(data)))
  assert sampled(folder, 0.5)[1].ok

  path.write_bytes(data[1:])
  assert said(sampled(folder, 0.5)[1]) == [
    f'{path.relative_to(folder)}: {len(data)} bytes | {len(data) - 1} bytes',
  ]


def test_a_folder_without_a_manifest_is_no_run(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match='has no manifest.json; give the folder of a finished run'):
    verify(tmp_path)


def damaged(data: bytes, chance: random.Random) -> bytes:
  """Other bytes than these."""
  place, size = chance.randrange(len(data)), chance.randrange(1, 40)
  others = [
    data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :],
    data[:place],
    data[:place] + data[place + size :],
    data[:place] + chance.randbytes(size) + data[place:],
    data[:place] + bytes(size) + data[place + size :],
    data + data[:size],
    chance.randbytes(len(data)),
  ]
  return chance.choice([other for other in others if other != data])


@pytest.mark.parametrize('name', ['tfrecord', 'parquet', 'old'])
def test_no_random_damage_of_a_file_is_passed_over(copied: Callable[[str], pathlib.Path], name: str) -> None:
  folder, chance = copied(name), random.Random(11)
  assert verify(folder).ok
  files = sorted(
    path for path in folder.rglob('*') if path.is_file() and path.name not in ('manifest.json', 'input.json')
  )
  for _ in range(60 * FUZZ):
    path = chance.choice(files)
    data = path.read_bytes()
    path.write_bytes(damaged(data, chance))

    found = verify(folder)

    assert path.relative_to(folder).as_posix() in {finding.file for finding in found.findings}
    path.write_bytes(data)
  assert verify(folder).ok


def test_no_random_damage_of_a_manifest_is_a_defect(folder: pathlib.Path) -> None:
  path, chance = folder / 'manifest.json', random.Random(13)
  data = path.read_bytes()
  for _ in range(150 * FUZZ):
    path.write_bytes(damaged(data, chance))
    with contextlib.suppress(UserError):
      verify(folder)

"""Local files: matched, read, and written whole or not at all."""

import os
import pathlib

import pytest

from beam_taxi import storage
from beam_taxi.storage import AtomicFile, atomic_file, write_bytes


@pytest.mark.parametrize(
  ('path', 'local'),
  [('a/b.csv', True), ('/a/b.csv', True), ('gs://bucket/a', False), ('hdfs://a', False), ('a:b', True)],
)
def test_a_path_without_a_scheme_is_local(path: str, local: bool) -> None:
  assert storage.is_local(path) is local


@pytest.mark.parametrize(
  ('base', 'joined'),
  [('/a', '/a/b/c'), ('/a/', '/a/b/c'), ('gs://bucket', 'gs://bucket/b/c'), ('gs://bucket/', 'gs://bucket/b/c')],
)
def test_parts_are_joined_with_one_slash(base: str, joined: str) -> None:
  assert storage.join(base, 'b', 'c') == joined


def test_a_pattern_matches_files_with_their_sizes_and_no_folders(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'sub').mkdir()
  (tmp_path / 'a.csv').write_bytes(b'12345')
  (tmp_path / 'sub' / 'b.csv').write_bytes(b'')

  assert sorted(storage.match(f'{tmp_path}/**')) == [(f'{tmp_path}/a.csv', 5), (f'{tmp_path}/sub/b.csv', 0)]
  assert storage.match(f'{tmp_path}/*') == [(f'{tmp_path}/a.csv', 5)]
  assert storage.match(f'{tmp_path}/none') == []


def test_a_file_is_read_back_as_it_was_written(tmp_path: pathlib.Path) -> None:
  path = str(tmp_path / 'new' / 'folder' / 'a')
  data = os.urandom(100_000)

  write_bytes(path, data)

  assert storage.read_bytes(path) == data
  assert storage.size(path) == len(data)


def test_a_compressed_file_is_read_as_it_is_stored(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.gz').write_bytes(b'not gzip')

  assert storage.read_bytes(str(tmp_path / 'a.gz')) == b'not gzip'


def test_files_and_folders_exist_and_other_names_do_not(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a').write_bytes(b'')

  assert storage.exists(str(tmp_path))
  assert storage.exists(str(tmp_path / 'a'))
  assert not storage.exists(str(tmp_path / 'b'))


def test_a_file_appears_only_when_it_is_committed(tmp_path: pathlib.Path) -> None:
  file = AtomicFile(str(tmp_path / 'a'))
  file.write(b'1')
  file.write(memoryview(b'23'))

  assert not (tmp_path / 'a').exists()
  file.commit()
  assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'a': b'123'}


def test_a_discarded_file_leaves_nothing(tmp_path: pathlib.Path) -> None:
  file = AtomicFile(str(tmp_path / 'a'))
  file.write(b'1')

  file.discard()

  assert list(tmp_path.iterdir()) == []


def test_a_discarded_file_leaves_the_one_that_was_there(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a').write_bytes(b'old')
  file = AtomicFile(str(tmp_path / 'a'))
  file.write(b'new')

  file.discard()

  assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'a': b'old'}


def test_discarding_after_a_commit_keeps_the_file(tmp_path: pathlib.Path) -> None:
  file = AtomicFile(str(tmp_path / 'a'))
  file.write(b'1')
  file.commit()

  file.discard()

  assert (tmp_path / 'a').read_bytes() == b'1'


def test_two_writers_of_one_path_do_not_meet(tmp_path: pathlib.Path) -> None:
  first, second = AtomicFile(str(tmp_path / 'a')), AtomicFile(str(tmp_path / 'a'))
  first.write(b'from the ')
  second.write(b'from the second')
  first.write(b'first')

  second.commit()
  assert (tmp_path / 'a').read_bytes() == b'from the second'
  first.commit()
  assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'a': b'from the first'}


def test_one_writers_discard_leaves_the_other_ones_file(tmp_path: pathlib.Path) -> None:
  first, second = AtomicFile(str(tmp_path / 'a')), AtomicFile(str(tmp_path / 'a'))
  second.write(b'second')
  second.commit()

  first.discard()

  assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'a': b'second'}


def test_a_block_that_raises_leaves_no_file(tmp_path: pathlib.Path) -> None:
  with pytest.raises(ZeroDivisionError), atomic_file(str(tmp_path / 'a')) as file:
    file.write(b'%d' % (1 // 0))

  assert list(tmp_path.iterdir()) == []


def test_unfinished_files_match_no_pattern(tmp_path: pathlib.Path) -> None:
  file = AtomicFile(str(tmp_path / 'a.csv'))
  file.write(b'1')

  assert storage.match(f'{tmp_path}/*') == []
  file.discard()


@pytest.mark.parametrize('durable', [False, True], ids=['quick', 'durable'])
def test_a_file_that_cannot_take_its_name_leaves_nothing(tmp_path: pathlib.Path, durable: bool) -> None:
  (tmp_path / 'a').mkdir()
  file = AtomicFile(str(tmp_path / 'a'), durable=durable)
  file.write(b'1')

  with pytest.raises(IsADirectoryError):
    file.commit()
  assert [path.name for path in tmp_path.iterdir()] == ['a']
  with pytest.raises(IsADirectoryError):
    write_bytes(str(tmp_path / 'a'), b'1')
  assert [path.name for path in tmp_path.iterdir()] == ['a']


def test_a_durable_file_is_on_the_disk_before_it_has_its_name(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  done = []
  replace = os.replace

  def noted_replace(old: str, new: str) -> None:
    done.append('name')
    replace(old, new)

  monkeypatch.setattr(os, 'replace', noted_replace)
  monkeypatch.setattr(os, 'fsync', lambda file: done.append(os.readlink(f'/proc/self/fd/{file}')))

  write_bytes(str(tmp_path / 'a'), b'1', durable=True)

  assert [done[0].endswith('.tmp'), *done[1:]] == [True, 'name', str(tmp_path)]
  done.clear()
  write_bytes(str(tmp_path / 'a'), b'1')
  assert done == ['name']

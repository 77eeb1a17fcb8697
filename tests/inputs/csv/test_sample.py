"""The beginning of an input, as a rehearsal takes it."""

import bz2
import gzip
import pathlib
from collections.abc import Callable

import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.sample import sample_files
from beam_taxi.inputs.matching import list_files

TEXT = 'n,s\n' + ''.join(f'{n},"row\n{n}"\n' for n in range(100))


def taken(folder: pathlib.Path, size: int, **dialect: str) -> dict[str, bytes]:
  found = sample_files(list_files([str(folder / '*')]), Dialect(**dialect), size)
  return {pathlib.Path(path).name: content for path, content in found}


def test_a_file_is_cut_behind_a_record(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_text(TEXT)
  (tmp_path / 'b.csv').write_text(TEXT)

  # 'n,s\n', two rows, and a part of the third, within its quotes.
  assert taken(tmp_path, 4 + 2 * 10 + 7) == {'a.csv': b'n,s\n0,"row\n0"\n1,"row\n1"\n'}


def test_files_are_taken_as_long_as_they_fit(tmp_path: pathlib.Path) -> None:
  for name in 'abc':
    (tmp_path / name).write_text(TEXT)

  found = taken(tmp_path, len(TEXT) + 30)

  assert (list(found), found['a'], len(found['b']) <= 30) == (['a', 'b'], TEXT.encode(), True)


@pytest.mark.parametrize(
  ('ending', 'write', 'read'),
  [('.gz', gzip.compress, gzip.decompress), ('.bz2', bz2.compress, bz2.decompress)],
  ids=['gzip', 'bzip2'],
)
def test_a_cut_file_is_compressed_as_it_was(
  tmp_path: pathlib.Path, ending: str, write: Callable[[bytes], bytes], read: Callable[[bytes], bytes]
) -> None:
  (tmp_path / f'a.csv{ending}').write_bytes(write(TEXT.encode()))

  [content] = taken(tmp_path, 20).values()

  assert read(content) == b'n,s\n0,"row\n0"\n'


def test_a_cut_file_is_in_the_encoding_that_it_had(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_bytes(TEXT.encode('utf-16'))

  [content] = taken(tmp_path, 20, encoding='utf-16').values()

  assert content.decode('utf-16') == 'n,s\n0,"row\n0"\n'


def test_a_record_that_is_longer_than_the_sample_is_said(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'a.csv').write_text(f'{"x" * 100}\n1\n')

  with pytest.raises(UserError, match='has no whole record in its first 10 bytes; give a larger --sample_size'):
    taken(tmp_path, 10)

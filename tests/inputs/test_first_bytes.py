"""Files that are no text: each is named, with what helps."""

import bz2
import gzip
import io
import pathlib
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from beam_taxi.inputs.first_bytes import ENOUGH, codec_of, no_text

TEXT = b'a,b\n1,2\n'
TABLE = pa.table({'a': [1], 'b': ['x']})


def zip_of(*names: str) -> bytes:
  buffer = io.BytesIO()
  with zipfile.ZipFile(buffer, 'w') as archive:
    for name in names:
      archive.writestr(name, TEXT)
  return buffer.getvalue()


def tar_of(name: str) -> bytes:
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w') as archive:
    archive.addfile(tarfile.TarInfo(name))
  return buffer.getvalue()


def parquet(table: pa.Table) -> bytes:
  sink = pa.BufferOutputStream()
  pq.write_table(table, sink)
  return sink.getvalue().to_pybytes()


def arrow() -> bytes:
  buffer = io.BytesIO()
  feather.write_feather(TABLE, buffer, compression='uncompressed')
  return buffer.getvalue()


CASES = {
  'gzip': (gzip.compress(TEXT), 'is a gzip file; give --compression gzip'),
  'bzip2': (bz2.compress(TEXT), 'is a bzip2 file; give --compression bzip2'),
  'zstd': (pa.compress(TEXT, 'zstd', asbytes=True), 'is a zstd file; give --compression zstd'),
  'zip_of_one_file': (zip_of('in/my trips.csv'), "one file; unpack it: unzip -p {path} > 'my trips.csv'"),
  'zip_of_two_files': (zip_of('in/', 'in/a.csv', 'b.csv'), 'of 2 files; unpack it into a folder: unzip {path} -d'),
  'a_zip_that_was_cut_off': (zip_of('a.csv')[:-9], 'is a zip archive, and not whole ('),
  'xlsx': (zip_of('[Content_Types].xml', 'xl/workbook.xml'), 'is an Excel workbook; save'),
  'parquet': (parquet(TABLE), 'is a Parquet file; write it as CSV'),
  'parquet_without_rows': (parquet(TABLE.slice(0, 0)), 'is a Parquet file; write it as CSV'),
  'arrow': (arrow(), 'is an Arrow file; write it as CSV'),
  'tar': (tar_of('a.csv'), 'is a tar archive; unpack it'),
  'a_web_page': (b'\n<!DOCTYPE html><title>Sign in</title>', 'is a web page'),
  'a_pointer_of_git_lfs': (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'git lfs pull'),
}


@pytest.mark.parametrize(('content', 'said'), CASES.values(), ids=CASES)
def test_a_file_that_is_no_text_is_named_with_what_helps(tmp_path: pathlib.Path, content: bytes, said: str) -> None:
  path = tmp_path / 'data.csv'
  path.write_bytes(content)
  assert said.format(path=path) in no_text(str(path), content[:ENOUGH])


def test_a_database_is_named(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'a.csv'
  with sqlite3.connect(path) as connection:
    connection.execute('create table t (a)')
  assert no_text(str(path), path.read_bytes()[:ENOUGH]).startswith('is a SQLite database; export a table')


@pytest.mark.parametrize(
  'head', [b'', TEXT, b'PAR1,ORC,Obj\n', b'PKW,BZh9\n', b'<html_id>,b\n', 'é,b\n'.encode('utf-16'), TEXT * 99]
)
def test_text_is_not_taken_for_anything_else(head: bytes) -> None:
  assert no_text('a.csv', head) == ''
  assert codec_of(head) is None


def test_what_is_within_a_compressed_file_is_named_too() -> None:
  assert no_text('a.gz', gzip.compress(TEXT), compressed=True).startswith('is a gzip file within a compressed one;')
  assert no_text('a.gz', tar_of('a.csv')[:ENOUGH], compressed=True).startswith('is a tar archive within')

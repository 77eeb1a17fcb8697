"""The beginning of a run's input, for a rehearsal: whole records, written as the files are."""

import codecs
from collections.abc import Iterable, Iterator

import pyarrow as pa

from beam_taxi import storage
from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.boundaries import last_record_end
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.files import input_files, open_csv, read_some
from beam_taxi.inputs.csv.header import read_header
from beam_taxi.inputs.csv.text_encoding import needs_stream
from beam_taxi.inputs.input_files import InputFile


def sample_files(listed: Iterable[ListedFile], dialect: Dialect, size: int) -> Iterator[tuple[str, bytes]]:
  """(path, content) of so much of an input: files in their order, the last of them cut behind a record.

  Args:
    listed: the input.
    dialect: how the files are written.
    size: bytes of uncompressed CSV, more or less. At least a record of the first file comes.

  Raises:
    UserError: a record is longer than that.
  """
  left = size
  for file in input_files(listed, dialect):
    if left <= 0:
      return
    content, left = _beginning(file, dialect, left)
    yield file.path, content


def _beginning(file: InputFile, dialect: Dialect, size: int) -> tuple[bytes, int]:
  """A file's first records as they are stored, and how much of the size is left: nothing where it was cut."""
  with open_csv(file) as stream:
    text = read_some(stream, size)
    is_whole = not stream.read(1)
  if is_whole:
    return storage.read_bytes(file.path), size - len(text)
  begin = read_header(file, dialect).begin
  end = last_record_end(text[begin:], dialect) and begin + last_record_end(text[begin:], dialect)
  if not end:
    raise UserError(f'{file.path}: has no whole record in its first {size:,} bytes; give a larger --sample_size')
  return _stored(text[:end], file, dialect), 0


def _stored(text: bytes, file: InputFile, dialect: Dialect) -> bytes:
  """CSV in the file's encoding and compression."""
  if needs_stream(dialect):
    # What is read as a stream comes as UTF-8.
    text = codecs.encode(text.decode(), dialect.encoding)
  compression = compression_of(file.path, dialect.compression)
  if not compression:
    return text
  buffer = pa.BufferOutputStream()
  with pa.CompressedOutputStream(buffer, {'bzip2': 'bz2'}.get(compression, compression)) as compressed:
    compressed.write(text)
  return bytes(buffer.getvalue().to_pybytes())

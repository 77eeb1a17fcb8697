"""CSV files: their text."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.errors import UserError
from beam_taxi.inputs.compression import compression_of
from beam_taxi.inputs.csv.comments import WithoutComments
from beam_taxi.inputs.csv.dialect import Dialect
from beam_taxi.inputs.csv.text_encoding import EncodingError, Utf8Stream, needs_stream
from beam_taxi.inputs.input_files import InputFile, changed_within, open_file


def input_files(listed: Iterable[ListedFile], dialect: Dialect) -> list[InputFile]:
  """Listed files, which are written in a dialect."""
  return [input_file(file, index, dialect) for index, file in enumerate(listed)]


def input_file(file: ListedFile, index: int, dialect: Dialect) -> InputFile:
  """A listed file, which is written in a dialect."""
  converted_from = dialect.encoding if needs_stream(dialect) else None
  return InputFile(
    file.path,
    file.size,
    index,
    file.version,
    compression_of(file.path, dialect.compression),
    converted_from,
    dialect if dialect.comment_char else None,
  )


@contextlib.contextmanager
def open_csv(file: InputFile, span: tuple[int, int] | None = None, *, again: bool = False) -> Iterator[BinaryIO]:
  """A stream of the file's CSV bytes from their beginning: as it is read, decompressed, converted, without comments.

  Args:
    file: the file.
    span: the stored bytes that will be read, where that is known.
    again: whether it has been read to its end before; then what is broken in it has changed since.

  Raises:
    UserError: as open_file does, or its text is not of its encoding.
  """
  with open_file(file, span, again=again) as stream:
    try:
      # These streams have no more than the one method that a stream's reader needs.
      if file.converted_from:
        stream = cast(BinaryIO, Utf8Stream(stream, file.converted_from))
      if file.filtered_by:
        stream = cast(BinaryIO, WithoutComments(stream, file.filtered_by))
      yield stream
    except EncodingError as error:
      if again:
        raise changed_within(file, str(error)) from error
      raise UserError(f'{file.path}: {error}; give the --encoding that it has, or fix it') from error


def read_some(stream: BinaryIO, size: int) -> bytes:
  """The next `size` bytes or more of CSV, never cut between a CR and the LF behind it; b'' at the end.

  A CR ends a line by itself unless an LF follows, so whoever looks at it must see what follows.
  """
  data = stream.read(size)
  while data.endswith(b'\r') and (more := stream.read(size)):
    data += more
  return data

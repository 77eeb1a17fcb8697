"""What a file is that is not the text that its name promises, told by its first bytes, and what to do about it."""

import re
import shlex
import zipfile

from beam_taxi import storage
from beam_taxi.errors import on_one_line
from beam_taxi.inputs.compression import ending_of

# A tar's mark is at byte 257.
ENOUGH = 512

# (Sources: RFC 1952, RFC 8878, and for bzip2 its level and the marks of a block or of the end.)
_COMPRESSED = {
  'gzip': re.compile(rb'\x1f\x8b\x08'),
  'bzip2': re.compile(rb'BZh[1-9](1AY&SY|\x17rE8P\x90)'),
  'zstd': re.compile(rb'\x28\xb5\x2f\xfd'),
}
_ZIP = re.compile(rb'PK(\x03\x04|\x05\x06)')
# Each with what it is and what helps. Parquet's first page header and its footer both begin with 0x15; PAR1 alone could
# be the name of a column.
_OTHERS = (
  (rb'PAR1\x15', 'a Parquet file', 'write it as CSV, as pandas does: read_parquet(...).to_csv(..., index=False)'),
  (rb'Obj\x01', 'an Avro file', 'write it as CSV'),
  (rb'ARROW1\0\0', 'an Arrow file', 'write it as CSV, as pandas does: read_feather(...).to_csv(..., index=False)'),
  (
    rb'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    'an old Office file, such as an Excel workbook',
    'save the sheet as CSV UTF-8',
  ),
  (rb'SQLite format 3\0', 'a SQLite database', 'export a table: sqlite3 -csv -header FILE "select * from TABLE"'),
  (rb'\xfd7zXZ\0', 'compressed by xz', 'decompress it: xz -dk FILE'),
  (rb'7z\xbc\xaf\x27\x1c', 'a 7z archive', 'unpack it: 7z x FILE'),
  (rb'(?s:.{257})ustar', 'a tar archive', 'unpack it: tar -xf FILE'),
  (rb'(?i:\s*<(!doctype html|html[\s>]))', 'a web page, perhaps of a login or an error', 'fetch the file again'),
  (rb'version https://git-lfs', "a pointer of Git LFS in the file's place", 'fetch the file: git lfs pull'),
)


def codec_of(head: bytes) -> str | None:
  """The compression whose mark a file begins with."""
  return next((codec for codec, mark in _COMPRESSED.items() if mark.match(head)), None)


def no_text(path: str, head: bytes, *, compressed: bool = False) -> str:
  """What a file is that should be text, and what helps; '' where nothing says that it is not.

  Args:
    path: the file.
    head: its first ENOUGH bytes, as they would be read.
    compressed: whether they have been decompressed.
  """
  within = ' within a compressed one' if compressed else ''
  if codec := codec_of(head):
    if compressed:
      return f'is a {codec} file{within}; decompress it once, and name it *{ending_of(codec)}'
    return (
      f'is a {codec} file; give --compression {codec} or, where other files are not compressed so, name it '
      f'*{ending_of(codec)}'
    )
  if _ZIP.match(head):
    return f'is a zip archive{within}; unpack it' if compressed else _zip(path)
  for mark, what, remedy in _OTHERS:
    if re.match(mark, head):
      return f'is {what}{within}; {remedy}'
  return ''


def _zip(path: str) -> str:
  """What is in a zip archive, and the command that unpacks it."""
  try:
    with storage.open_for_reading(path) as stream, zipfile.ZipFile(stream) as archive:
      names = [on_one_line(name) for name in archive.namelist() if not name.endswith('/')]
  except (OSError, ValueError, zipfile.BadZipFile) as error:
    return f'is a zip archive, and not whole ({" ".join(str(error).split())}); fetch it again'
  if any(name.startswith('xl/') for name in names):
    return 'is an Excel workbook; save the sheet as CSV UTF-8'
  # A command is run where the archive is, or where it has been fetched to.
  file = shlex.quote(path if storage.is_local(path) else path.rpartition('/')[2])
  if len(names) == 1:
    csv = shlex.quote(names[0].rpartition('/')[2])
    return f'is a zip archive of one file; unpack it: unzip -p {file} > {csv}'
  return f'is a zip archive of {len(names):,} files; unpack it into a folder: unzip {file} -d FOLDER'

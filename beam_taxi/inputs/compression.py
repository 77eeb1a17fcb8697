"""How files are compressed. Imports nothing heavy."""

COMPRESSIONS = {
  'auto': 'By the ending of the name',
  'none': 'None',
  'gzip': 'gzip',
  'bzip2': 'bzip2',
  'zstd': 'Zstandard',
}

_ENDINGS = {'.gz': 'gzip', '.bz2': 'bzip2', '.zst': 'zstd'}


def compression_of(path: str, told: str) -> str | None:
  """How a file is compressed: one of COMPRESSIONS, where 'auto' leaves it to the name's ending; None for not at all."""
  if told == 'auto':
    return next((codec for ending, codec in _ENDINGS.items() if path.endswith(ending)), None)
  return None if told == 'none' else told


def ending_of(codec: str) -> str:
  """How the names of files end that are compressed in one of COMPRESSIONS."""
  return next(ending for ending, found in _ENDINGS.items() if found == codec)


def without_ending(path: str) -> str:
  """A path, or a pattern of paths, without the ending of a compressed file."""
  return next((path.removesuffix(ending) for ending in _ENDINGS if path.endswith(ending)), path)

"""The input listing: which files a run reads, each with what tells whether it is still the same; and `input.json`.

A run lists its input once. All that reads it later - the graph and the cache - goes by the listing, so that a
file that comes later is not in the run, and one that changes or goes is noticed.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from beam_taxi import storage
from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.errors import UserError

LISTING_VERSION = 1


@dataclasses.dataclass(frozen=True)
class ListedFile:
  """A file: where it is, its bytes as stored, and what changes when it is written anew ('' where nothing tells)."""

  path: str
  size: int
  version: str = ''


@dataclasses.dataclass(frozen=True)
class ListedSource:
  """A part of the input that is read as if it were alone: the split that it is ('' for all), and its files by path."""

  split: str
  patterns: tuple[str, ...]
  files: tuple[ListedFile, ...]


@dataclasses.dataclass(frozen=True)
class Listing:
  """All that a run reads."""

  sources: tuple[ListedSource, ...]

  @property
  def files(self) -> Sequence[ListedFile]:
    """The files of all sources."""
    return [file for source in self.sources for file in source.files]

  def to_json(self) -> str:
    sources = [
      {**dataclasses.asdict(source), 'files': [[file.path, file.size, file.version] for file in source.files]}
      for source in self.sources
    ]
    return json.dumps({'version': LISTING_VERSION, 'sources': sources}, indent=1) + '\n'

  @classmethod
  def from_json(cls, text: str | bytes) -> 'Listing':
    found: dict[str, Any] = json.loads(text)
    if found['version'] != LISTING_VERSION:
      raise UserError(
        f'an input listing of version {found["version"]} was found, this beam_taxi reads {LISTING_VERSION}: use the '
        'release that wrote it'
      )
    return cls(
      tuple(
        ListedSource(source['split'], tuple(source['patterns']), tuple(ListedFile(*file) for file in source['files']))
        for source in found['sources']
      )
    )


def write_listing(folder: RunFolder, listing: Listing) -> None:
  """Writes a run's input.json."""
  storage.write_bytes(folder.listing, listing.to_json().encode(), 'application/json', durable=True)


def read_listing(folder: RunFolder) -> Listing:
  """A run's input.json. Raises UserError where it cannot be understood."""
  try:
    return Listing.from_json(storage.read_bytes(folder.listing))
  except UserError as error:
    raise UserError(f'{folder.listing}: {error}') from error
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(
      f'{folder.listing}: is no input listing ({type(error).__name__}: {error}); make the run again'
    ) from error

"""What is different between two finished runs: what they read, what they made, and what their statistics say of it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from google.protobuf import text_format
from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from beam_taxi.analysis.feature_statistics import DatasetStatistics, of_all_rows, parse_statistics
from beam_taxi.analysis.moves import Move, Thresholds, moves
from beam_taxi.analysis.schema_changes import SchemaChange, schema_changes
from beam_taxi.artifacts.manifest import InputSummary, Manifest
from beam_taxi.errors import UserError
from beam_taxi.storage import read_bytes


@dataclasses.dataclass(frozen=True)
class Pair:
  """Something of both runs: a number, or text. None in a run that has nothing of the name."""

  name: str
  first: int | str | None
  second: int | str | None

  @property
  def same(self) -> bool:
    return self.first == self.second


@dataclasses.dataclass(frozen=True)
class Comparison:
  """Two runs side by side.

  Attributes:
    first, second: the runs' ids.
    input: 'patterns', 'files', 'bytes', 'rows' and 'fingerprint' of both, whether they are the same or not.
    records: how many each split has in both.
    bad_rows: how many each reason set aside in both.
    columns: the type of each column that only one has, or that has two types.
    same_examples: whether both have the same records in the same order, shard by shard.
    examples_compared: by what that is known: by the 'records' or, where a manifest has no digests of these, by the
      'files', which may be different though their records are the same.
    schema: what is different between the schemas.
    moves: the statistics that moved, the largest move first.
    thresholds: from where on they move.
    versions: the versions of packages that are not the same.
  """

  first: str
  second: str
  input: tuple[Pair, ...]
  records: tuple[Pair, ...]
  bad_rows: tuple[Pair, ...]
  columns: tuple[Pair, ...]
  same_examples: bool
  examples_compared: Literal['records', 'files']
  schema: tuple[SchemaChange, ...]
  moves: tuple[Move, ...]
  thresholds: Thresholds
  versions: tuple[Pair, ...]

  @property
  def same_input(self) -> bool:
    """Whether both read the same, by its fingerprint."""
    return all(pair.same for pair in self.input if pair.name == 'fingerprint')

  @property
  def same_results(self) -> bool:
    """Whether nothing of what they made is different: records, bad rows, columns, schema and, nearly, statistics."""
    counts = all(pair.same for pair in (*self.records, *self.bad_rows))
    return counts and not (self.columns or self.schema or self.moves)


def compare(first: Manifest, second: Manifest, thresholds: Thresholds | None = None) -> Comparison:
  """Compares two finished runs by their manifests, schemas and statistics.

  Args:
    first: the manifest of one run, as a rule the earlier.
    second: of the other.
    thresholds: from where on a statistic moves.

  Raises:
    UserError: a file of theirs cannot be read.
  """
  thresholds = thresholds or Thresholds()
  by_records = all(shard.records_crc32c for shard in (*first.examples, *second.examples))
  compared: Literal['records', 'files'] = 'records' if by_records else 'files'
  return Comparison(
    first=first.run_id,
    second=second.run_id,
    input=input_pairs(first.input, second.input),
    records=pairs(first.splits, second.splits),
    bad_rows=pairs(first.bad_rows, second.bad_rows, absent=0),
    columns=different(pairs(first.columns, second.columns)),
    same_examples=_shards(first, compared) == _shards(second, compared),
    examples_compared=compared,
    schema=schema_changes(*(_schema(manifest.schema.path) for manifest in (first, second))),
    moves=_moves(first, second, thresholds),
    thresholds=thresholds,
    versions=different(pairs(first.versions, second.versions)),
  )


def input_pairs(first: InputSummary, second: InputSummary) -> tuple[Pair, ...]:
  """All that is known of what two runs read."""
  one, other = ({**dataclasses.asdict(each), 'patterns': ' '.join(each.patterns)} for each in (first, second))
  return pairs(one, other)


def pairs(
  first: Mapping[str, int] | Mapping[str, str], second: Mapping[str, int] | Mapping[str, str], absent: int | None = None
) -> tuple[Pair, ...]:
  """What either has, in the order of the first, then of the second."""
  return tuple(
    Pair(name, first.get(name, absent), second.get(name, absent)) for name in dict.fromkeys([*first, *second])
  )


def different(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
  """Those of which both have not the same."""
  return tuple(pair for pair in pairs if not pair.same)


def _shards(manifest: Manifest, compared: Literal['records', 'files']) -> list[tuple[object, ...]]:
  """Each shard's split and what tells its records or its file apart, by the shards' names."""
  shards = sorted(manifest.examples, key=lambda shard: (shard.split, shard.path.rpartition('/')[2]))
  if compared == 'files':
    return [(shard.split, shard.sha256) for shard in shards]
  return [(shard.split, shard.records, shard.record_bytes, shard.records_crc32c) for shard in shards]


def _moves(first: Manifest, second: Manifest, thresholds: Thresholds) -> tuple[Move, ...]:
  """What moved in the splits that both have, the largest move first."""
  paths = [{file.split: file for file in manifest.statistics} for manifest in (first, second)]
  found: list[Move] = []
  for split, one in paths[0].items():
    other = paths[1].get(split)
    # Equal files have nothing to say.
    if other and one.sha256 != other.sha256 and (now := _statistics(other.path)) and (before := _statistics(one.path)):
      found += moves(split, before, now, thresholds)
  return tuple(sorted(found, key=lambda move: -move.times))


def _schema(path: str) -> Schema:
  try:
    return text_format.Parse(_read(path), Schema())
  except (text_format.ParseError, UnicodeDecodeError) as error:
    raise UserError(f'{path}: is no schema ({" ".join(str(error).split())})') from error


def _statistics(path: str) -> DatasetStatistics | None:
  return of_all_rows(parse_statistics(_read(path), path))


def _read(path: str) -> bytes:
  try:
    return read_bytes(path)
  except OSError as error:
    reason = ' '.join(str(error.strerror or error).split())
    raise UserError(
      f'{path}: cannot be read ({reason}); a comparison needs the schema and statistics of both'
    ) from error

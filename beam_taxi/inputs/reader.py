"""What the reader of every kind of input gives to the graph, and what travels between the two passes."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from beam_taxi.artifacts.listing import ListedFile
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.findings import Findings
from beam_taxi.inputs.layout import InputPlan, Layout
from beam_taxi.inputs.quarantine import BadRecord
from beam_taxi.inputs.shard_sizes import Shard, Sizes


class RangeFile(Protocol):
  """A file that a range is of."""

  @property
  def index(self) -> int:
    """Its place in the listing."""


class Range(Protocol):
  """A part of a file that one worker reads in pass 1: bytes [start, end) as stored, and the shard that it goes to.

  Ranges can be pickled, compared and hashed: what is scanned ahead of the graph is found again by them.
  """

  @property
  def file(self) -> RangeFile: ...
  @property
  def start(self) -> int: ...
  @property
  def end(self) -> int: ...
  @property
  def shard(self) -> Shard: ...


class Records(Protocol):
  """Whole records of a file, in the order of `start`, and the shard that they go to."""

  @property
  def file(self) -> RangeFile: ...
  @property
  def start(self) -> int: ...
  @property
  def shard(self) -> Shard: ...


# What is found in a range is the kind's own.
Scan = Any


class SettledFile(Protocol):
  """A file of which all ranges are scanned: its records, those of them to scan again, and what the others found."""

  @property
  def records(self) -> Sequence[Records]: ...
  @property
  def unsure(self) -> Sequence[Records]: ...
  @property
  def findings(self) -> Findings: ...


@dataclasses.dataclass(frozen=True)
class ReadBlock:
  """Typed rows that pass 2 read, the bad ones beside them, how many bytes of input they all were; and what to count."""

  rows: pa.RecordBatch
  bad: tuple[BadRecord, ...]
  bytes: int
  counts: Mapping[str, int] = dataclasses.field(default_factory=dict)


class InputReader(Protocol):
  """Reads one kind of input. It is frozen, can be pickled, and remembers nothing."""

  def plan(self, listed: Sequence[ListedFile], columns: ColumnForm) -> InputPlan:
    """What is known of an input before its rows are read.

    Args:
      listed: its files.
      columns: what becomes of its columns.

    Raises:
      UserError: it cannot be read, or has not the columns that are named.
    """

  def ranges(self, listed: Sequence[ListedFile], sizes: Sizes) -> Sequence[Range]:
    """Which parts of which files are read together: by the listing alone, so that it is the same on every runner.

    Returns:
      Ranges in the order of the files and within them. Each shard has at least one.

    Raises:
      UserError: the input cannot be cut into so many shards.
    """

  def scan(self, part: Any, plan: InputPlan, block_size: int) -> Scan:
    """Pass 1 of a range, which may be nothing where the input is typed. Raises UserError where it is not as listed."""

  def settle(self, scans: Iterable[Scan]) -> SettledFile:
    """What all scans of a file, in any order, together say."""

  def scan_again(self, records: Any, layout: Layout, block_size: int) -> Findings:
    """Pass 1 of records that `settle` was not sure of."""

  def read(self, records: Any, layout: Layout, block_size: int) -> Iterator[ReadBlock]:
    """Pass 2 of records, about `block_size` bytes at a time, as in pass 1; the layout has all types.

    Columns are the layout's features: int64, float32, binary or null, by their ColumnType. Raises UserError where a
    file is not as listed, or its bytes are not those that pass 1 read.
    """

  def no_rows(self, layout: Layout) -> pa.RecordBatch:
    """A RecordBatch of the layout without rows."""

  def sample(self, listed: Sequence[ListedFile], size: int) -> Iterator[tuple[str, bytes]]:
    """(path, content) of the beginning of an input, of about `size` bytes, as files that can stand for it."""

"""How an input is read. Imports nothing heavy."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from beam_taxi.artifacts.listing import ListedSource
from beam_taxi.errors import UserError
from beam_taxi.inputs.bad_row_policy import BadRowLimit, BadRowPolicy
from beam_taxi.inputs.column_form import ColumnForm
from beam_taxi.inputs.kinds import KINDS, check_names, reader_of
from beam_taxi.inputs.shard_sizes import Sizes

if TYPE_CHECKING:
  from beam_taxi.inputs.layout import InputPlan
  from beam_taxi.inputs.reader import Range


@dataclasses.dataclass(frozen=True)
class InputForm:
  """How files become typed rows, and those the blocks of shards. RunConfig says what each setting means.

  `settings` are those of the input's kind. Raises UserError where nothing can be read so.
  """

  settings: Any = dataclasses.field(default_factory=KINDS[0].settings)
  columns: ColumnForm = dataclasses.field(default_factory=ColumnForm)
  bad_rows: BadRowPolicy = 'fail'
  max_bad_rows: BadRowLimit | None = None
  sizes: Sizes = dataclasses.field(default_factory=Sizes)

  def __post_init__(self) -> None:
    if self.bad_rows not in get_args(BadRowPolicy):
      raise UserError(f'--bad_rows {self.bad_rows}: give one of {", ".join(get_args(BadRowPolicy))}')
    if self.max_bad_rows is not None and self.bad_rows != 'quarantine':
      raise UserError('--max_bad_rows says how many rows may be set aside: give --bad_rows quarantine as well')

  def plan(self, listed: ListedSource) -> 'InputPlan':
    """What is known of a source before its rows are read. Raises UserError where it cannot be read."""
    check_names((file.path for file in listed.files), self.settings)
    return reader_of(self.settings).plan(listed.files, self.columns)

  def ranges(self, listed: ListedSource) -> Sequence['Range']:
    """The ranges in which a source is read. Raises UserError where it cannot be cut into so many shards."""
    return reader_of(self.settings).ranges(listed.files, self.sizes)

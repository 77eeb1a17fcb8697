"""The kinds of input. Imports nothing heavy.

A kind is a package beside this module and a line in KINDS. Its settings, one frozen dataclass, say how its files are
written. Its reader is made of them, and does what reader.InputReader says.
"""

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any, cast

from beam_taxi.inputs.csv.dialect import Dialect

if TYPE_CHECKING:
  from beam_taxi.inputs.reader import InputReader


@dataclasses.dataclass(frozen=True)
class Kind:
  """A kind of input: its settings, and the module and class that read with them."""

  name: str
  settings: type
  reader: str


KINDS: tuple[Kind, ...] = (Kind('csv', Dialect, 'beam_taxi.inputs.csv.csv_input:CsvInput'),)


def reader_of(settings: Any) -> 'InputReader':
  """What reads an input of the kind that some settings are of."""
  [kind] = [kind for kind in KINDS if type(settings) is kind.settings]
  module, _, name = kind.reader.partition(':')
  return cast('InputReader', getattr(importlib.import_module(module), name)(settings))

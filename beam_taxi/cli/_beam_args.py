"""Beam's arguments of a command that only reads and writes files by them."""

from collections.abc import Sequence


def use_beam_args(beam_args: Sequence[str]) -> None:
  """Has Beam's file systems take credentials and the like from them. Raises UserError where one is unknown."""
  if beam_args:
    # Takes a second or more, which files of this machine need not wait for.
    from beam_taxi import storage
    from beam_taxi.runners.options import parse_beam_args

    storage.use_options(parse_beam_args(beam_args)[1])

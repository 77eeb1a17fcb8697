"""Sizes are right once they are made, and what is wrong names the field and what to do."""

from typing import Any

import pytest

from beam_taxi.errors import UserError
from beam_taxi.inputs.shard_sizes import Sizes

WRONG: dict[str, tuple[dict[str, Any], str]] = {
  'block_size': ({'block_size': 0}, '--block_size 0: give a positive number of bytes'),
  'shard_size': ({'shard_size': -1}, '--shard_size -1: give a positive number of bytes'),
  'num_shards': ({'num_shards': 0}, '--num_shards 0: give at least 1'),
}


@pytest.mark.parametrize(('fields', 'message'), WRONG.values(), ids=WRONG)
def test_a_size_that_is_wrong_is_told_with_its_name(fields: dict[str, Any], message: str) -> None:
  with pytest.raises(UserError) as raised:
    Sizes(**fields)

  assert str(raised.value) == message

"""Frames of TFRecords are checked in whatever pieces they come, and no damage of one is passed over."""

import itertools
import random

import google_crc32c
import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi.examples import frames
from beam_taxi.examples.frames import FrameCheck, whole_frames
from beam_taxi.examples.tfrecord import footer_of, header_of

RECORDS = st.lists(st.binary(max_size=40), max_size=6)


def framed(records: list[bytes]) -> bytes:
  return b''.join(header_of(len(record)) + record + footer_of(record) for record in records)


def checked(data: bytes, cuts: list[int]) -> FrameCheck:
  """What is said of some bytes that come in pieces."""
  found = FrameCheck()
  places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
  for begin, end in itertools.pairwise(places):
    found.add(data[begin:end])
  return found


@pytest.fixture(params=['compiled', 'python'])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
  if request.param == 'python' or frames.kernel() == 'python':
    monkeypatch.setattr(frames, 'kernel', lambda: 'python')


@pytest.mark.usefixtures('kernel')
def test_whole_frames_are_counted_in_any_pieces() -> None:
  chance = random.Random(3)
  for _ in range(200):
    records = [chance.randbytes(chance.randrange(60)) for _ in range(chance.randrange(6))]
    data = framed(records)

    found = checked(data, [chance.randrange(200) for _ in range(chance.randrange(8))])

    assert (found.records, found.damage, found.is_whole) == (len(records), '', True)


@pytest.mark.usefixtures('kernel')
def test_a_flipped_bit_is_found_at_its_record_in_any_pieces() -> None:
  chance = random.Random(5)
  records = [b'first', b'', b'x' * 100]
  data = framed(records)
  ends = [len(framed(records[:count])) for count in (1, 2, 3)]
  for place in range(len(data)):
    damaged = bytearray(data)
    damaged[place] ^= 1 << chance.randrange(8)

    found = checked(bytes(damaged), [chance.randrange(len(data)) for _ in range(chance.randrange(4))])

    record = sum(end <= place for end in ends)
    begin = [0, *ends][record]
    assert (found.records, found.damage) == (record, 'length' if place < begin + 12 else 'data')


@pytest.mark.usefixtures('kernel')
@pytest.mark.parametrize('missing', range(1, 16))
def test_frames_that_end_too_early_are_not_whole(missing: int) -> None:
  found = checked(framed([b'first', b'second'])[:-missing], [])

  assert (found.records, found.damage, found.is_whole) == (1, '', False)


@pytest.mark.usefixtures('kernel')
def test_a_length_that_no_file_has_takes_no_memory() -> None:
  found = checked(header_of(2**63) + b'x' * 1000, [500])

  assert (found.records, found.damage, found.is_whole) == (0, '', False)


@given(RECORDS, st.binary(max_size=30), st.integers(0, 50))
@fuzzed(200)
def test_the_kernel_finds_the_frames_that_python_finds(records: list[bytes], behind: bytes, begin: int) -> None:
  data = framed(records) + behind
  begin = min(begin, len(data))

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(frames, 'kernel', lambda: 'python')
    expected = whole_frames(data, begin)

  assert whole_frames(data, begin) == expected
  assert google_crc32c.value(data[begin:]) == frames.crc32c(data[begin:])

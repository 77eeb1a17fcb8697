"""Checksums of parts, joined, are those of the whole."""

import base64
import pathlib

import google_crc32c
import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from beam_taxi import storage
from beam_taxi.inputs.checksum import checksum_of_file, join_checksums, joined, stretches


@given(st.binary(max_size=200), st.binary(max_size=200))
@fuzzed(200)
def test_joined_checksums_are_the_wholes(first: bytes, second: bytes) -> None:
  joined = join_checksums(google_crc32c.value(first), google_crc32c.value(second), len(second))
  assert joined == google_crc32c.value(first + second)


@pytest.mark.parametrize('size', [0, 1, 1024 * 1024, 2_500_000], ids=str)
def test_a_files_checksum_is_that_of_its_bytes(tmp_path: pathlib.Path, size: int) -> None:
  data = (b'0123456789abcdef' * (size // 16 + 1))[:size]
  (tmp_path / 'file').write_bytes(data)
  assert checksum_of_file(storage.stat(str(tmp_path / 'file'))) == google_crc32c.value(data)


def test_it_is_the_checksum_that_cloud_storage_shows(tmp_path: pathlib.Path) -> None:
  # The value that the CRC-32C literature checks implementations with, as cloud storage writes it: big-endian base64.
  (tmp_path / 'file').write_bytes(b'123456789')
  assert base64.b64encode(checksum_of_file(storage.stat(str(tmp_path / 'file'))).to_bytes(4, 'big')) == b'4waSgw=='


@given(st.binary(max_size=200), st.lists(st.integers(-5, 220)), st.integers(0, 2**40))
@fuzzed(200)
def test_stretches_are_joined_to_the_checksum_of_whatever_lies_between_cuts(
  data: bytes, cuts: list[int], offset: int
) -> None:
  found = stretches(data, offset, [offset + cut for cut in cuts])

  places = [0, *(stretch.end - offset for stretch in found)]
  assert set(places) == {0, len(data), *(cut for cut in cuts if 0 < cut < len(data))}
  for first, begin in enumerate(places):
    assert joined(found[first:], offset + begin) == google_crc32c.value(data[begin:])

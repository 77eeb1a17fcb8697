"""The script that draws charts: joined once, kept, and joined again where it cannot be kept."""

import gzip
import pathlib

import pytest

from beam_taxi.show.html import vega


@pytest.fixture(autouse=True)
def cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  monkeypatch.setattr(vega, '_ahead', [])
  return tmp_path / 'beam_taxi'


def test_it_is_joined_once(cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  import vl_convert

  text = vega.script()
  monkeypatch.setattr(vl_convert, 'javascript_bundle', lambda *_: 'another')

  assert b'window.vegaParts' in gzip.decompress(text)
  assert vega.script() == text


def test_it_is_joined_ahead_in_another_process(cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  import vl_convert

  vega.prepare()
  monkeypatch.setattr(vl_convert, 'javascript_bundle', lambda *_: 'another')

  assert b'window.vegaParts' in gzip.decompress(vega.script())


def test_what_is_kept_and_broken_is_joined_again(cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
  import vl_convert

  monkeypatch.setattr(vl_convert, 'javascript_bundle', lambda *_: 'joined')
  pathlib.Path(vega._cached()).parent.mkdir(parents=True)
  pathlib.Path(vega._cached()).write_bytes(gzip.compress(b'text')[:-12] + b'broken')

  assert gzip.decompress(vega.script()) == b'joined'
  assert gzip.decompress(pathlib.Path(vega._cached()).read_bytes()) == b'joined'


def test_nowhere_to_keep_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
  import vl_convert

  monkeypatch.setenv('XDG_CACHE_HOME', '/dev/null')
  monkeypatch.setattr(vl_convert, 'javascript_bundle', lambda *_: 'joined')

  assert gzip.decompress(vega.script()) == b'joined'

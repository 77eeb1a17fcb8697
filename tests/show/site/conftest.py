"""A new store."""

import pathlib

import ml_metadata as mlmd
import pytest

from beam_taxi.metadata.store import connect


@pytest.fixture
def uri(tmp_path: pathlib.Path) -> str:
  return f'sqlite:///{tmp_path}/metadata.sqlite'


@pytest.fixture
def site_store(uri: str) -> mlmd.MetadataStore:
  return connect(uri)

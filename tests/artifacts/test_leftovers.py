"""What is taken for left over in a run's folder."""

import pathlib

from beam_taxi.artifacts.leftovers import delete_leftovers, leftovers
from beam_taxi.storage import AtomicFile


def test_temporary_files_are_deleted_and_nothing_else(tmp_path: pathlib.Path) -> None:
  shard = tmp_path / 'examples' / 'Split-train' / 'data_tfrecord-00000-of-00001.gz'
  unfinished = AtomicFile(str(shard))
  kept = [tmp_path / 'manifest.json', tmp_path / '.hidden', tmp_path / 'a.0123abcd.tmp', tmp_path / '.a.tmp']
  for path in kept:
    path.touch()
  assert [pathlib.Path(path).parent for path in leftovers(str(tmp_path))] == [shard.parent]

  delete_leftovers(str(tmp_path))

  assert sorted(path for path in tmp_path.rglob('*') if path.is_file()) == sorted(kept)
  unfinished.discard()


def test_an_object_store_has_none() -> None:
  assert leftovers('gs://bucket/runs/one') == []

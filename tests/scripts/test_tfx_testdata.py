"""The files that TFX's own tests compare with, fetched."""

import pathlib
import shutil

from wheels import fetch, write_wheel

SCRIPT = 'fetch_tfx_testdata.py'


def test_files_that_are_there_are_not_fetched_again(tfx_testdata: pathlib.Path) -> None:
  assert fetch(SCRIPT, tfx_testdata).stdout == f'{tfx_testdata}: already there\n'


def test_a_file_that_was_changed_is_not_taken_for_the_one_that_was_fetched(
  tfx_testdata: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  out = tmp_path / 'copy'
  shutil.copytree(tfx_testdata, out)
  with (out / 'schema_gen' / 'schema.pbtxt').open('a') as schema:
    schema.write('\n')
  result = fetch(SCRIPT, out)
  assert result.returncode == 1
  assert 'pip could not download tfx==1.21.0' in result.stderr


def test_a_wheel_with_other_files_is_refused_and_nothing_written(tmp_path: pathlib.Path) -> None:
  write_wheel(tmp_path, 'tfx/components/testdata/schema_gen/schema.pbtxt', 'feature {}\n')
  result = fetch(SCRIPT, tmp_path / 'out', PIP_FIND_LINKS=str(tmp_path))
  assert result.returncode == 1
  assert 'tfx/components/testdata/ in tfx==1.21.0 has SHA-256' in result.stderr
  assert not (tmp_path / 'out').exists()

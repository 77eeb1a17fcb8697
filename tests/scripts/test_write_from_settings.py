"""What is made from the table of settings is up to date."""

import pathlib
import re
import runpy

import pytest

from beam_taxi.settings.config import all_settings

ROOT = pathlib.Path(__file__).parents[2]
FILES = runpy.run_path(str(ROOT / 'scripts' / 'write_from_settings.py'))['FILES']


@pytest.mark.parametrize('path', FILES)
def test_what_is_made_from_settings_is_current(path: str) -> None:
  assert (ROOT / path).read_text() == FILES[path](), f'write {path} anew with scripts/write_from_settings.py'


def test_the_page_of_flags_has_a_row_for_each() -> None:
  page = FILES['docs/FLAGS.md']()

  flags = [flag.name for setting in all_settings() for flag in setting.flags]
  assert re.findall(r'^\| `--(\w+)', page, re.MULTILINE) == flags
  assert (
    '| `--splits NAME:BUCKETS,...` | output splits and their hash buckets, such as train:8,eval:1,test:1 | '
    'train:2,eval:1, as in TFX |\n'
  ) in page
  assert r'| `--max_bad_rows N\|N%` | fail if more rows are bad than this number or share | no limit |' in page

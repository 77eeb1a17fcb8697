"""A report in a notebook, of whatever statistics come in."""

import html
import pathlib
import re
import subprocess
import sys

import pytest
from statistics_of import many_features

from beam_taxi import report


def test_statistics_are_shown_in_a_frame_that_is_shut_off() -> None:
  shown = report(many_features(2, 1), height=500)._repr_html_()
  [page] = re.findall(r'srcdoc="([^"]*)"', shown)

  assert html.unescape(page).startswith('<!doctype html>')
  assert 'height: 500px' in shown
  assert 'allow-same-origin' not in shown


def test_files_and_folders_of_statistics_are_shown(tmp_path: pathlib.Path) -> None:
  for split in ('train', 'eval'):
    (tmp_path / f'Split-{split}').mkdir()
    (tmp_path / f'Split-{split}' / 'FeatureStats.pb').write_bytes(many_features(2, 1).SerializeToString())

  assert '"name":"train"' in report(tmp_path / 'Split-train' / 'FeatureStats.pb').page
  both = report(str(tmp_path)).page
  assert '"datasets":[{"name":"eval"},{"name":"train"}]' in both


def test_two_statistics_are_compared() -> None:
  page = report(many_features(4, 1), many_features(4, 2)).page

  assert 'What moved' in page
  assert '"name":"Statistics 1 \\u00b7 all"' in page


def test_it_is_written_to_a_file(tmp_path: pathlib.Path) -> None:
  shown = report(many_features(2, 1))
  shown.save(tmp_path / 'report.html')

  assert (tmp_path / 'report.html').read_text(encoding='utf-8') == shown.page


@pytest.mark.parametrize('stats', [(), (1,), (1, 2, 3)])
def test_what_is_no_statistics_is_refused(stats: tuple) -> None:
  with pytest.raises(TypeError, match='one or two|give a run'):
    report(*stats)


def test_importing_the_package_takes_nothing_heavy() -> None:
  program = "import sys, beam_taxi; print(*sys.modules, sep='\\n')"
  done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True)

  assert not {'jinja2', 'rich', 'google.protobuf', 'vl_convert', 'numpy', 'apache_beam', 'ml_metadata'} & set(
    done.stdout.split()
  )

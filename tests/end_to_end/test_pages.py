"""What pages tell a reader to type is typed, page by page, in a folder that looks like the repository."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
from commands import ROOT, environment

# What a page's commands need of the repository, beside Python with the packages.
_NEEDED = ('beam_taxi', 'data', 'main.py', 'notebooks', 'pyproject.toml', 'recipes', 'setup.py')
_NOT_RUN = '# Not run by the tests'
# These set a machine up and test it: whoever runs this test has done the one, and does the other.
_SETS_UP = re.compile(r'^(scripts/|source |python -m ipykernel)')


def blocks(page: str) -> list[str]:
  """The bash blocks of a page that it does not call not run."""
  found = re.findall(r'```bash\n(.*?)```', (ROOT / page).read_text(), re.DOTALL)
  return [block for block in found if not block.startswith(_NOT_RUN)]


@pytest.mark.parametrize('page', ['README.md', 'docs/CSV.md', 'docs/REPORT.md', 'docs/STORES.md', 'docs/PYTHON.md'])
def test_a_page_s_commands_do_what_it_says(page: str, taxi_csv: pathlib.Path, tmp_path: pathlib.Path) -> None:
  for name in _NEEDED:
    (tmp_path / name).symlink_to(ROOT / name)
  lines = [line for block in blocks(page) for line in block.splitlines() if not _SETS_UP.match(line)]
  path = f'{pathlib.Path(sys.executable).parent}:{os.environ["PATH"]}'

  done = subprocess.run(
    ['bash', '-euo', 'pipefail', '-c', '\n'.join(lines)],
    cwd=tmp_path,
    env=environment(PATH=path),
    capture_output=True,
    text=True,
    check=False,
  )

  assert done.returncode == 0, done.stdout + done.stderr
  made = re.findall(r'--out (\S+)', '\n'.join(lines))
  assert [name for name in made if not (tmp_path / name).exists()] == []

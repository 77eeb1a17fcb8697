"""What pages tell a reader to type is typed, page by page, in a folder that looks like the repository."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest
import warm
from commands import ROOT, environment
from emulators.databases import free_port

# What a page's commands need of the repository, beside Python with the packages.
_NEEDED = ('beam_taxi', 'data', 'main.py', 'notebooks', 'pyproject.toml', 'recipes', 'scripts', 'setup.py')
_NOT_RUN = '# Not run by the tests'
# These set a machine up and test it: whoever runs this test has done the one, and does the other.
_SETS_UP = re.compile(r'^(scripts/|source |python -m ipykernel)')


def blocks(page: str) -> list[str]:
  """The bash blocks of a page that it does not call not run."""
  found = re.findall(r'```bash\n(.*?)```', (ROOT / page).read_text(), re.DOTALL)
  return [block for block in found if not block.startswith(_NOT_RUN)]


def type_in(folder: pathlib.Path, script: str, path: str = '', descriptors: Sequence[int] = ()) -> None:
  """Types commands in a folder that looks like the repository, and ends what they leave running."""
  for name in _NEEDED:
    (folder / name).symlink_to(ROOT / name)
  path += f'{pathlib.Path(sys.executable).parent}:{os.environ["PATH"]}'
  command = ['bash', '-euo', 'pipefail', '-c', script]
  # Not a pipe, which whatever was left running would keep open.
  with (folder / 'printed').open('w') as printed:
    how = {'stdout': printed, 'stderr': printed, 'start_new_session': True, 'pass_fds': descriptors}
    shell = subprocess.Popen(command, cwd=folder, env=environment(PATH=path), **how)
    try:
      code = shell.wait()
    finally:
      with contextlib.suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)
  assert code == 0, (folder / 'printed').read_text()


@pytest.mark.parametrize(
  ('page', 'is_warm'),
  [
    ('README.md', False),
    ('docs/CSV.md', True),
    ('docs/PORTAL.md', True),
    ('docs/REPORT.md', True),
    ('docs/VALIDATION.md', True),
    ('docs/STORES.md', True),
    ('docs/PYTHON.md', True),
  ],
)
def test_a_page_s_commands_do_what_it_says(
  page: str, is_warm: bool, taxi_csv: pathlib.Path, tmp_path: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
  script = '\n'.join(line for block in blocks(page) for line in block.splitlines() if not _SETS_UP.match(line))

  if is_warm:
    programs = tmp_path_factory.mktemp('programs')
    type_in(tmp_path, script, f'{programs}:', [warm.python(programs)])
  else:
    type_in(tmp_path, script)

  assert [name for name in re.findall(r'--out (\S+)', script) if not (tmp_path / name).exists()] == []


def test_runs_in_this_process_and_on_workers_elsewhere_make_the_same_shards(
  taxi_csv: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  script = '\n'.join(blocks('docs/RUNNERS.md'))
  for port in ('8099', '50000'):
    script = script.replace(port, str(free_port()))

  type_in(tmp_path, script)

  here, elsewhere = (
    {path.relative_to(run): path.read_bytes() for path in run.glob('examples/*/*')}
    for run in (tmp_path / 'out' / 'runs').iterdir()
  )
  assert here == elsewhere != {}

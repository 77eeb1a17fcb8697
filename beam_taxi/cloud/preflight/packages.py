"""Whether workers of another machine get this package, where no image has it."""

import os
import shlex
import subprocess
import sys

from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.cloud.preflight.checks import Finding, failed, ok
from beam_taxi.runners.shipping import ship_package, shipped_package

# Beam has images of these, and this package runs on them.
_FIRST, LAST = (3, 10), (3, 13)

_TIMEOUT_S = 30


def package_findings(runner: PipelineRunner, options: PipelineOptions) -> list[Finding]:
  """Whether Beam can ship what brings this package to workers, and has an image of this Python."""
  ship_package(runner, options)
  shipped = shipped_package(options)
  assert shipped, 'this is of jobs whose workers get it from no image'
  findings = []
  has_image = options.view_as(WorkerOptions).sdk_container_image
  if not has_image and not _FIRST <= sys.version_info[:2] <= LAST:
    have = '.'.join(map(str, sys.version_info[:2]))
    findings.append(
      failed(f'Beam has no image of Python {have}', 'run with Python 3.10 to 3.13, or give --sdk_container_image IMAGE')
    )
  return [*findings, package_finding(shipped)]


def package_finding(path: str) -> Finding:
  """Whether Beam can ship a distribution of this package, or make one of its setup.py."""
  if not os.path.basename(path).startswith('beam_taxi-'):
    return setup_file_finding(path)
  if not os.path.isfile(path) and '://' not in path:
    return failed(f'--extra_package {path}: there is no such file', 'a wheel or source distribution of beam_taxi')
  return ok(f'{os.path.basename(path)}; {_kernel_of(path)}')


def _kernel_of(path: str) -> str:
  """Which kernel workers get with a distribution of this package."""
  if path.endswith('-any.whl'):
    return 'its kernel is Python, and slower'
  if path.endswith('.whl'):
    return 'its kernel is compiled'
  return 'workers compile the kernel if they have a C++ compiler, and have a slower one in Python if not'


def setup_file_finding(path: str) -> Finding:
  """Whether Beam can make a source distribution of it: it is there, and says its package's name and version."""
  folder, name = os.path.split(path)
  if not os.path.isfile(path):
    return failed(f'--setup_file {path}: there is no such file', '--setup_file ./setup.py, from a checkout')
  if name not in ('setup.py', 'pyproject.toml'):
    return failed(f'--setup_file {path}: Beam takes a setup.py or a pyproject.toml', '--setup_file PATH/setup.py')
  if not folder:
    # Beam changes to the folder that the path names.
    return failed(f'--setup_file {path}: Beam needs a folder in it', f'--setup_file ./{path}')
  if name == 'pyproject.toml':
    return ok(f'{path}; {_kernel_of(path)}')
  command = [sys.executable, name, '--name', '--version']
  done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
  said = done.stdout.split()
  if done.returncode or len(said) < 2:
    reason = (done.stderr.strip().splitlines() or ['it says neither name nor version'])[-1]
    remedy = f'see what is wrong: cd {shlex.quote(folder)} && {shlex.join(command)}'
    return failed(f'--setup_file {path}: cannot be built ({reason})', remedy)
  return ok(f'{path}: {said[-2]} {said[-1]}; {_kernel_of(path)}')

"""How this package comes to workers of other machines, where no image has it."""

import atexit
import base64
import functools
import hashlib
import logging
import os
import shutil
import tempfile
import zipfile
from importlib import metadata

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, SetupOptions, WorkerOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.errors import UserError
from beam_taxi.runners.options import is_portable, runs_here, worker_environment

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What pip notes of an installation, beside what a wheel has.
_OF_INSTALLATION = ('RECORD', 'INSTALLER', 'REQUESTED', 'direct_url.json')


def ship_package(runner: PipelineRunner, options: PipelineOptions) -> None:
  """Has Beam ship this package to workers of another machine, where neither the user nor an image brings it.

  Raises:
    UserError: it cannot be shipped from where it is.
  """
  if runs_here(runner) or shipped_package(options) or _workers_have_it(runner, options):
    return
  flag, path = package_flag()
  setup = options.view_as(SetupOptions)
  if flag == 'setup_file':
    setup.setup_file = path
  else:
    setup.extra_packages = [*(setup.extra_packages or []), path]


def _workers_have_it(runner: PipelineRunner, options: PipelineOptions) -> bool:
  """Whether nothing is to be shipped: the user names the workers' image, or they begin where packages are installed.

  The latter is so of LOOPBACK, EXTERNAL and PROCESS. (For LOOPBACK Beam would build a source distribution twice: it
  makes one environment and then another in its place, each with all that is shipped.)
  """
  if options.view_as(WorkerOptions).sdk_container_image:
    return True
  portable = options.view_as(PortableOptions)
  names_image = portable.environment_config or portable.lookup_environment_option('docker_container_image')
  return is_portable(runner) and (worker_environment(runner, options) != 'DOCKER' or bool(names_image))


def shipped_package(options: PipelineOptions) -> str | None:
  """What brings this package to workers besides an image: a setup.py, or a distribution of it; None for nothing."""
  setup = options.view_as(SetupOptions)
  ours = (path for path in setup.extra_packages or [] if os.path.basename(path).startswith('beam_taxi-'))
  return setup.setup_file or next(ours, None)


@functools.cache
def package_flag() -> tuple[str, str]:
  """The flag of Beam, without dashes, that ships this package, and its value.

  From a checkout that is its setup.py, of which Beam makes a source distribution. Without one it is a wheel of what is
  installed, which is there until this process ends. On workers pip installs either with what it requires.

  Raises:
    UserError: this is neither a checkout, nor was it installed by pip.
  """
  setup_file = os.path.join(os.path.dirname(PACKAGE), 'setup.py')
  # Some distributions leave a setup.py of theirs among installed packages.
  if all(map(os.path.isfile, (setup_file, os.path.join(os.path.dirname(PACKAGE), 'pyproject.toml')))):
    return 'setup_file', setup_file
  folder = tempfile.mkdtemp(prefix='beam_taxi_')
  atexit.register(shutil.rmtree, folder, ignore_errors=True)
  wheel = _write_wheel(_installed(), folder)
  # Beam warns that a wheel must fit the workers. All are of the kind of machine that TFDV has wheels for.
  logging.getLogger('apache_beam.runners.portability.stager').addFilter(lambda record: wheel not in record.getMessage())
  return 'extra_package', wheel


def _installed() -> metadata.Distribution:
  """The installation that this package is of."""
  try:
    found = metadata.distribution('beam_taxi')
    if os.path.samefile(str(found.locate_file('beam_taxi')), PACKAGE) and found.files:
      return found
  except (metadata.PackageNotFoundError, OSError):
    pass
  raise UserError(
    f'{PACKAGE}: is neither in a checkout nor installed by pip, and workers need this package; name an image that '
    'has it, with --sdk_container_image (docker/Dockerfile makes one), or give --setup_file PATH/setup.py'
  )


def _write_wheel(installed: metadata.Distribution, folder: str) -> str:
  """Packs what was installed of a wheel into one again; its path."""
  # With a compiled kernel it is of this kind of machine.
  lines = (installed.read_text('WHEEL') or '').splitlines()
  tags = [line.partition(': ')[2] for line in lines if line.startswith('Tag:')] or ['py3-none-any']
  path = os.path.join(folder, f'beam_taxi-{installed.version}-{tags[0]}.whl')
  files = installed.files or []
  [record] = [str(file) for file in files if file.name == 'RECORD']
  lines = []
  with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as wheel:
    for file in files:
      top = file.parts[0]
      in_wheel = top == 'beam_taxi' or (top.endswith('.dist-info') and file.name not in _OF_INSTALLATION)
      if not in_wheel or '__pycache__' in file.parts:
        continue
      content = file.read_binary()
      wheel.writestr(str(file), content)
      digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')
      lines.append(f'{file},sha256={digest},{len(content)}\n')
    wheel.writestr(record, ''.join([*lines, f'{record},,\n']))
  return path

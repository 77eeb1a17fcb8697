"""docker/Dockerfile as its instructions."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
PATH = ROOT / 'docker' / 'Dockerfile'


def instructions() -> list[tuple[str, str]]:
  """Each instruction's keyword and what follows it, in one line."""
  lines = [line for line in PATH.read_text().splitlines() if line.strip() and not line.lstrip().startswith('#')]
  joined = re.sub(r'\\\n\s*', '', '\n'.join(lines)).splitlines()
  return [(line.split(' ', 1)[0], line.split(' ', 1)[1]) for line in joined]


def arguments() -> dict[str, str]:
  """The defaults of the build arguments."""
  found = [rest.partition('=') for keyword, rest in instructions() if keyword == 'ARG']
  return {name: default for name, equals, default in found if equals}


def last_stage() -> list[tuple[str, str]]:
  found = instructions()
  return found[max(at for at, (keyword, _) in enumerate(found) if keyword == 'FROM') :]

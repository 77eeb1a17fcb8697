"""How this program was called, for messages that name a command to give next."""

import os
import sys


def program() -> str:
  """This program, as it was called: what stands before the name of a sub-command."""
  name = os.path.basename(sys.argv[0])
  return {'main.py': 'python main.py', '__main__.py': 'python -m beam_taxi'}.get(name, 'beam-taxi')

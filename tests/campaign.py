#!/usr/bin/env python3
"""Runs the command line over what no test thought of, and says what became of it.

  .venv/bin/python tests/campaign.py inputs [--count 10000] [--seed 1] [--keep DIR]

`inputs` are whole runs over CSV files that were damaged, cut, spliced and so on: each makes what Python's csv module
finds in them, or says in one line why it does not. What goes wrong is kept in DIR, one folder for each fault, with the
files and, in command.txt, the flags. The same seed draws the same files.
"""

import argparse
import pathlib
import sys
import tempfile
import time

from campaigns import mutated_inputs


def inputs(count: int, seed: int, keep: pathlib.Path) -> int:
  """Runs over mutated files, and prints an account. Returns how many went wrong."""
  began, cpu_began, said = time.monotonic(), time.process_time(), 0
  for account in mutated_inputs.run_files(count, seed, keep):
    for fault in account.wrong[said:]:
      print(fault, flush=True)
    said = len(account.wrong)
    print(f'{account.files:,} files, {account.runs:,} runs, {said} wrong', file=sys.stderr, flush=True)
  lines = {
    'files': account.files,
    'read as they should be': account.right,
    **{f'refused: {why.replace("_", " ")}': number for why, number in account.refused.most_common()},
    'wrong': len(account.wrong),
    'runs': account.runs,
    'rows written': account.rows - account.bad_rows,
    'rows set aside': account.bad_rows,
    'seconds': round(time.monotonic() - began),
    'CPU seconds': round(time.process_time() - cpu_began),
  }
  for what, number in lines.items():
    print(f'{what:32}{number:>10,}')
  return len(account.wrong)


def main() -> int:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('what', choices=['inputs'])
  parser.add_argument('--count', type=int, default=10_000)
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--keep', type=pathlib.Path, help='where to leave what goes wrong; a temporary folder by default')
  flags = parser.parse_args()
  keep = flags.keep or pathlib.Path(tempfile.mkdtemp(prefix='beam_taxi_campaign_'))
  wrong = inputs(flags.count, flags.seed, keep)
  if wrong:
    print(f'see {keep}')
  return 1 if wrong else 0


if __name__ == '__main__':
  sys.exit(main())

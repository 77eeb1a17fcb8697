#!/usr/bin/env python3
"""Runs the command line over what no test thought of, and says what became of it.

  .venv/bin/python tests/campaign.py inputs [--count 10000] [--seed 1] [--first BATCH] [--keep DIR]
  .venv/bin/python tests/campaign.py faults [--count 1000] [--seed 1] [--first NUMBER] [--keep DIR]

`inputs` are whole runs over CSV files that were damaged, cut, spliced and so on: each makes what Python's csv module
finds in them, or says in one line why it does not. `faults` are kills, full disks, changing files, failing services and
the like, each of which befalls a run: afterwards what there is of it adds up, and the corrected command goes well. What
goes wrong is kept in DIR: of inputs one folder SEED-BATCH-GROUP for each fault, with the files and, in command.txt, the
flags; of faults SEED-NUMBER. The same seed draws the same.
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time

from campaigns import faults, mutated_inputs

_UNSHARED = 'BEAM_TAXI_CAMPAIGN_UNSHARED'


def inputs(count: int, seed: int, first: int, keep: pathlib.Path) -> int:
  """Runs over mutated files, and prints an account. Returns how many went wrong."""
  began, cpu_began, said, account = time.monotonic(), time.process_time(), 0, mutated_inputs.Account()
  with contextlib.suppress(KeyboardInterrupt):  # What was done by then is told.
    for account in mutated_inputs.run_files(count, seed, keep, first):
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


def befall(count: int, seed: int, first: int, keep: pathlib.Path) -> int:
  """Has faults befall runs, and prints a table of faults and outcomes. Returns how many do not add up."""
  began, said, account = time.monotonic(), 0, faults.FaultAccount()
  with contextlib.suppress(KeyboardInterrupt):
    for account in faults.run_faults(count, seed, keep, number=first):
      for fault in account.wrong[said:]:
        print(fault, flush=True)
      said = len(account.wrong)
      print(f'{account.faults:,} faults, {said} wrong', file=sys.stderr, flush=True)
  outcomes = sorted({outcome for counter in account.outcomes.values() for outcome in counter})
  print(f'{"fault":24}' + ''.join(f'{outcome:>14}' for outcome in outcomes))
  for kind, counter in account.outcomes.items():
    print(f'{kind:24}' + ''.join(f'{counter[outcome]:>14,}' for outcome in outcomes))
  for kind, lacking in account.skipped.items():
    print(f'{kind:24}skipped: {lacking}')
  print(f'{account.faults:,} faults in {time.monotonic() - began:,.0f} s, {said} do not add up')
  return said


def main() -> int:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('what', choices=['inputs', 'faults'])
  parser.add_argument('--count', type=int, help='10,000 inputs, or 1,000 faults')
  parser.add_argument('--seed', type=int, default=1)
  parser.add_argument('--first', type=int, default=0, help='the batch of inputs, or the fault, to begin with')
  parser.add_argument('--keep', type=pathlib.Path, help='where to leave what goes wrong; a temporary folder by default')
  flags = parser.parse_args()
  if flags.what == 'faults' and not os.geteuid() and not os.environ.get(_UNSHARED):
    # Small disks are mounted for this process alone, and are gone with it.
    os.environ[_UNSHARED] = 'yes'
    os.execvp('unshare', ['unshare', '--mount', sys.executable, *sys.argv])
  keep = flags.keep or pathlib.Path(tempfile.mkdtemp(prefix='beam_taxi_campaign_'))
  campaign, count = (inputs, 10_000) if flags.what == 'inputs' else (befall, 1000)
  wrong = campaign(count if flags.count is None else flags.count, flags.seed, flags.first, keep)
  if wrong:
    print(f'see {keep}')
  return 1 if wrong else 0


if __name__ == '__main__':
  sys.exit(main())

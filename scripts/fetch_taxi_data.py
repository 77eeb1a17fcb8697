#!/usr/bin/env python3
"""Fetches the Chicago taxi trips (15,002 records) that TFX's taxi template works on.

`tfx template copy taxi` would copy the same file out of the tfx package. This takes it from the wheel instead, so that
neither tfx nor its dependencies need to be installed.
"""

import argparse
import pathlib

from tfx_wheel import check, read_members, sha256

MEMBER = 'tfx/examples/chicago_taxi_pipeline/data/simple/data.csv'
SHA256 = 'cdaf0b5931442ef47693f408f25a37af710aca23fccb90a78f00930e89548805'

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'taxi'


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--out', type=pathlib.Path, default=DATA, metavar='FOLDER')
  target = parser.parse_args().out / 'data.csv'
  if target.exists() and sha256(target.read_bytes()) == SHA256:
    print(f'{target}: already there')
    return

  content = read_members(MEMBER)[MEMBER]
  check(MEMBER, sha256(content), SHA256)
  target.parent.mkdir(parents=True, exist_ok=True)
  partial = target.with_suffix('.partial')
  partial.write_bytes(content)
  partial.replace(target)
  print(f'{target}: {len(content):,} bytes')


if __name__ == '__main__':
  main()

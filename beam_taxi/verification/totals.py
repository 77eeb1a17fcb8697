"""Whether a manifest adds up: what it says of all against what it says of each file. Imports nothing heavy."""

import collections
from collections.abc import Iterator

from beam_taxi.artifacts.manifest import Manifest
from beam_taxi.verification.results import MANIFEST, Finding


def differences_in_totals(manifest: Manifest) -> Iterator[Finding]:
  """What does not add up."""
  records: collections.Counter[str] = collections.Counter()
  for file in manifest.examples:
    records[file.split] += file.records
  for split in dict.fromkeys([*manifest.splits, *records]):
    said = manifest.splits.get(split)
    if said is None:
      yield Finding(MANIFEST, f'no shards of a split {split!r}', f'shards with {records[split]:,} records')
    elif said != records[split]:
      yield Finding(MANIFEST, f'{said:,} records in {split!r}', f'shards with {records[split]:,}')
  bad_rows: collections.Counter[str] = collections.Counter()
  for file in manifest.quarantine:
    bad_rows.update(file.counts)
  for reason in dict.fromkeys([*manifest.bad_rows, *bad_rows]):
    if manifest.bad_rows.get(reason, 0) != bad_rows[reason]:
      said = manifest.bad_rows.get(reason, 0)
      yield Finding(MANIFEST, f'{said:,} rows set aside as {reason!r}', f'files with {bad_rows[reason]:,}')
  written, set_aside = sum(manifest.splits.values()), sum(manifest.bad_rows.values())
  if written + set_aside != manifest.input.rows:
    yield Finding(
      MANIFEST,
      f'{manifest.input.rows:,} rows that were read',
      f'{written:,} records and {set_aside:,} rows set aside',
    )

"""What a verification finds. Imports nothing heavy."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
  """Something that is not as the run left it.

  Attributes:
    file: the file, by its path in the run's folder; MANIFEST or STORE where it is of no other.
    expected, found: what should be there, and what is.
  """

  file: str
  expected: str
  found: str


MANIFEST, STORE = 'manifest.json', 'the store'
NOTHING = 'nothing'


@dataclasses.dataclass(frozen=True)
class Verified:
  """What was found of a run.

  Attributes:
    run_id, folder: the run, and where it was looked for.
    files: how many its manifest has.
    bytes: how many were read.
    shards, shards_read: how many shards the manifest has, and how many of them were read whole.
    records: how many there are in those.
    findings: what is wrong; () where all is well.
    not_checked: what could not be checked or was not to be, a phrase each.
  """

  run_id: str
  folder: str
  files: int = 0
  bytes: int = 0
  shards: int = 0
  shards_read: int = 0
  records: int = 0
  findings: tuple[Finding, ...] = ()
  not_checked: tuple[str, ...] = ()

  @property
  def ok(self) -> bool:
    """Whether nothing is wrong, as far as it was checked."""
    return not self.findings

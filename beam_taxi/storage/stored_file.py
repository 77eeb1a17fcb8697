"""What is known of a file without reading it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class StoredFile:
  """A file: its path, its bytes as stored, and what changes when it is written anew.

  `version` is the time of the last change of a local file, in nanoseconds, and of an object in Cloud Storage, in
  seconds; the ETag of one in S3 or Azure; '' where nothing tells.
  """

  path: str
  size: int
  version: str

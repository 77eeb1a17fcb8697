"""Whether what an earlier run made can be taken instead of making it again."""

import dataclasses
import hashlib
import json
from typing import Any

from beam_taxi import storage
from beam_taxi.artifacts.listing import Listing
from beam_taxi.artifacts.manifest import Manifest, WrittenFile, package_versions
from beam_taxi.inputs.fingerprint import fingerprint_of, fingerprint_text
from beam_taxi.inputs.kinds import kind_of
from beam_taxi.setting_fields import values_for_reuse
from beam_taxi.settings.config import RunConfig
from beam_taxi.steps import outputs, steps_of


def cache_key(config: RunConfig, fingerprint: str, schema: str = '') -> str:
  """The same for runs that make the same: of the same input, by the same settings and versions of packages.

  Args:
    config: a run's settings.
    fingerprint: its input's.
    schema: the SHA-256 of the curated schema as the run has taken it; '' for what there is now.

  Returns:
    A SHA-256, in hexadecimal.
  """
  relevant = values_for_reuse(config)
  relevant['kind'] = kind_of(config.input_settings).name
  if config.schema:
    relevant['schema'] = schema or hashlib.sha256(storage.read_bytes(config.schema)).hexdigest()
  if config.rules:
    relevant['rules'] = hashlib.sha256(storage.read_bytes(config.rules)).hexdigest()
  key = [relevant, fingerprint, package_versions()]
  return hashlib.sha256(json.dumps(key, default=_plain, sort_keys=True).encode()).hexdigest()


def fingerprint_of_input(listing: Listing) -> str:
  """The fingerprint of a run's input as it is now, which the run would find."""
  return fingerprint_text(fingerprint_of(source.files) for source in listing.sources)


def is_whole(manifest: Manifest) -> bool:
  """Whether a run made all that runs make now, and all its files are still there, each with its size."""
  files = [file for some in manifest.artifacts.values() for file in some]
  made = outputs(steps_of(judged=bool(manifest.verdict)))
  return all(output.key in manifest.artifacts for output in made) and all(map(_is_there, files))


def _is_there(file: WrittenFile) -> bool:
  try:
    return storage.size(file.path) == file.bytes or file.bytes is None
  except FileNotFoundError:
    return False


def _plain(value: Any) -> Any:
  """What JSON has no form for: dataclasses and numbers with a point."""
  return values_for_reuse(value) if dataclasses.is_dataclass(value) else str(value)

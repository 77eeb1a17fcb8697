"""Runs as main.py records them, into any store; record_runs.py fills a store with them and measures with them.

  python benchmarks/recorded_runs.py {record,lookup-hit,lookup-miss} STORE

does that once, and prints the seconds and CPU seconds that it took, without imports.
"""

import dataclasses
import hashlib
import secrets
import sys
import time
from collections.abc import Iterable, Mapping

import ml_metadata as mlmd

from beam_taxi.artifacts.manifest import InputSummary, Manifest, RunFolder, Value, package_versions
from beam_taxi.metadata.recording import RecordedRun, record_completion, record_failure, record_reuse, record_start
from beam_taxi.metadata.runs import artifacts_of, runs_that_read
from beam_taxi.metadata.store import connect
from beam_taxi.process.provenance import provenance
from beam_taxi.record.recorder import Recorder
from beam_taxi.steps import outputs

_PIPELINE = 'beam_taxi'
_ROWS, _BYTES, _RECORDS = 15_002, 1_922_812, {'train': 10_036, 'eval': 4_966}
_FLAGS: Mapping[str, Value] = {'input': 'data/taxi/data.csv', 'record': 'driver'}
_STEPS = ('EncodeExamples', 'GenerateStatistics', 'ReadRows', 'ScanRanges', 'WriteShards')
_COUNTERS: Mapping[str, Value] = {f'counter.{step}.{what}': 12_345 for step in _STEPS for what in ('bytes', 'msecs')}

# Every second run reads the same input; the others read one of so many.
_INPUTS = 100
_SETTINGS = 20
_RUNNING_EVERY = 1000
_FAILED_EVERY = 100
_CACHED_EVERY = 10


def recorded_run(number: int) -> RecordedRun:
  run_id = f'20260131-120000-{number:05d}'
  return RecordedRun(run_id, _PIPELINE, RunFolder.of('/home/somebody/out', run_id))


def fill(store: mlmd.MetadataStore, numbers: Iterable[int]) -> None:
  """Records runs with these numbers, one behind the other, each to its end.

  Of a hundred about ten took what an earlier one made, and one failed. One in a thousand is RUNNING as this process.
  """
  begun = {**provenance(['main.py', '--input', 'data/taxi/data.csv', '--output', 'out'], 'FnApiRunner'), **_FLAGS}
  earlier = None
  for number in numbers:
    run, manifest = recorded_run(number), manifest_of(number)
    record_start(store, run, begun)
    if number % _RUNNING_EVERY == _RUNNING_EVERY // 2:
      continue
    if number % _FAILED_EVERY == _FAILED_EVERY // 2 + 1:
      record_failure(store, run, 'data/taxi/data.csv, line 7: 17 cells where 18 are expected')
    elif number % _CACHED_EVERY == _CACHED_EVERY // 2 + 2 and earlier:
      record_reuse(store, run, earlier, {**begun, 'seconds': 0.2})
    else:
      record_completion(store, run, manifest, {'seconds': 3.6, **_COUNTERS})
      earlier = manifest


def manifest_of(number: int) -> Manifest:
  """What run `number` made, as far as a store is told of it."""
  run = recorded_run(number)
  return Manifest(
    run_id=run.run_id,
    pipeline_name=run.pipeline_name,
    input=InputSummary(('data/taxi/data.csv',), 1, _BYTES, _ROWS, _fingerprint(number)),
    columns={},
    splits=_RECORDS,
    artifacts={output.key: () for output in outputs()},
    versions=package_versions(),
    cache_key=_cache_key(number % _SETTINGS),
  )


def _fingerprint(number: int) -> str:
  which = 0 if number % 2 == 0 else number % _INPUTS
  return f'sha256-sum:{hashlib.sha256(str(which).encode()).hexdigest()}'


def _cache_key(setting: int) -> str:
  return hashlib.sha256(f'setting {setting}'.encode()).hexdigest()


def record(uri: str) -> None:
  """Everything that main.py does to the record of a run that succeeds."""
  name = secrets.token_hex(8)
  run = dataclasses.replace(recorded_run(0), run_id=name, folder=RunFolder.of('/home/somebody/out', name))
  recorder = Recorder(uri, run)
  begun: Mapping[str, Value] = {'started': time.time(), 'host': 'here', 'process': 'here/boot/1/2', **_FLAGS}
  recorder.start(begun)
  manifest = dataclasses.replace(manifest_of(0), run_id=name, provenance=begun)
  recorder.complete(manifest, {'seconds': 3.6, **_COUNTERS})


def look_up(uri: str, key: str) -> bool:
  """What --cache asks a store: whether there is a run that read the most common input, with this key."""
  store = connect(uri)
  earlier = next(runs_that_read(store, _fingerprint(0), key), None)
  return earlier is not None and bool(artifacts_of(store, earlier))


def main() -> None:
  what, uri = sys.argv[1:]
  package_versions()
  began, cpu_began = time.perf_counter(), time.process_time()
  if what == 'record':
    record(uri)
  else:
    is_hit = what == 'lookup-hit'
    if look_up(uri, _cache_key(0 if is_hit else _SETTINGS)) != is_hit:
      sys.exit(f'{what}: found otherwise')
  print(time.perf_counter() - began, time.process_time() - cpu_began)


if __name__ == '__main__':
  main()

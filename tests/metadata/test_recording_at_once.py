"""Runs that several processes record into a store at the same time."""

import concurrent.futures
import dataclasses
import multiprocessing
from collections.abc import Callable, Sequence

from ml_metadata.proto import metadata_store_pb2 as pb
from stored import ALWAYS, MANIFEST, RUN, rows, rows_of_runs

from beam_taxi.artifacts.manifest import RunFolder
from beam_taxi.metadata.recording import record_completion, record_start
from beam_taxi.metadata.store import connect


def at_once(function: Callable[..., object], uri: str, numbers: Sequence[int]) -> list[object]:
  """What a function gives for each number, each in a process of its own, at once."""
  processes = multiprocessing.get_context('spawn')
  with concurrent.futures.ProcessPoolExecutor(len(numbers), processes) as pool:
    return list(pool.map(function, [uri] * len(numbers), numbers))


def complete(uri: str, _: int) -> object:
  return record_completion(connect(uri), RUN, MANIFEST, {})


def test_the_same_run_recorded_from_processes_at_once_is_recorded_once(store_uri: str) -> None:
  ids = at_once(complete, store_uri, range(4))

  store = connect(store_uri)
  counts = rows_of_runs(1)
  assert {table: count for table, count in rows(store).items() if table in counts} == counts
  assert [found.last_known_state for found in store.get_executions()] == [pb.Execution.COMPLETE] * len(ALWAYS)
  assert all(each == ids[0] for each in ids)


def record_some(uri: str, number: int) -> object:
  """Records ten runs, one after the other."""
  for run_id in (f'run-{number}-{count}' for count in range(10)):
    run = dataclasses.replace(RUN, run_id=run_id, folder=RunFolder.of('/out', run_id))
    store = connect(uri)
    record_start(store, run, {})
    record_completion(store, run, dataclasses.replace(MANIFEST, run_id=run_id), {})
  return None


def test_runs_that_processes_record_at_once_are_all_recorded(store_uri: str) -> None:
  at_once(record_some, store_uri, range(4))

  store = connect(store_uri)
  assert {found.last_known_state for found in store.get_executions()} == {pb.Execution.COMPLETE}
  counts = rows_of_runs(40)
  assert {table: count for table, count in rows(store).items() if table in counts} == counts

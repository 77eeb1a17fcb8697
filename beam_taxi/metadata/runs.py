"""Asking a store about runs: which there are, how each ended, what it read and made.

A run is a `pipeline_run` context, and what its executions say together; how many it has depends on the release that
recorded it.
"""

import dataclasses
import datetime
import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from beam_taxi.artifacts.manifest import RunFolder, Value
from beam_taxi.errors import UserError
from beam_taxi.metadata.nodes import batches
from beam_taxi.metadata.recording import RecordedRun
from beam_taxi.metadata.states import state_of
from beam_taxi.metadata.types import PIPELINE_RUN
from beam_taxi.steps import INPUT, OWN, STEPS

# An execution of a run in one of these has no events, by which it is known before its many properties are read.
_WITHOUT_EVENTS = ('RUNNING', 'FAILED', 'CANCELED')
# Executions that are read at a time.
_PAGE = 100
_RECENT = 100


@dataclasses.dataclass(frozen=True)
class Run:
  """A run as a store has it.

  Attributes:
    run_id, pipeline_name: its names.
    state: one of states.RUN_STATES.
    folder: where its artifacts are; for a run that took an earlier one's, see `properties['cached_from']`.
    started: when it began, by UTC.
    seconds: how long it took; None while it has not ended, and where it ended without saying so.
    rows: how many it read; None where it did not complete.
    properties: all that is recorded of it.
  """

  run_id: str
  pipeline_name: str
  state: str
  folder: str
  started: datetime.datetime
  seconds: float | None
  rows: int | None
  properties: Mapping[str, Value]

  @property
  def recorded(self) -> RecordedRun:
    """What names it in its store."""
    return RecordedRun(self.run_id, self.pipeline_name, RunFolder(self.folder))


@dataclasses.dataclass(frozen=True)
class RecordedArtifact:
  """An artifact of a run: its key ('input', 'examples', ...), id, type, URI and MLMD state."""

  key: str
  id: int
  type: str
  uri: str
  state: str


def list_runs(
  store: mlmd.MetadataStore,
  *,
  state: str = '',
  since: datetime.datetime | None = None,
  limit: int | None = None,
) -> list[Run]:
  """Runs, those that were recorded last first.

  One that was begun again under its id has its first place still: executions keep their ids, by which they are read.
  To order by when they began, all would have to be read.

  Args:
    store: an open store.
    state: one of states.RUN_STATES, or '' for any.
    since: only those recorded from then on.
    limit: how many at most.
  """
  # Executions carry the times at which MLMD wrote them, in milliseconds.
  earliest = since.timestamp() * 1000 if since else 0
  found = (run for run, recorded in _runs(store, state in _WITHOUT_EVENTS, earliest) if recorded >= earliest)
  return list(itertools.islice((run for run in found if not state or run.state == state), limit))


def runs_that_read(store: mlmd.MetadataStore, fingerprint: str, cache_key: str) -> Iterator[Run]:
  """The complete runs that read an input of this fingerprint and have this cache key, the newest first."""
  source = store.get_artifact_by_type_and_name(INPUT.type.name, fingerprint)
  events = store.get_events_by_artifact_ids([source.id]) if source else []
  readers = sorted({event.execution_id for event in events}, reverse=True)
  # A page at a time: thousands may have read it, and mostly one of the last is asked for.
  for ids in batches(readers, _PAGE):
    for reader in _sorted_executions(store, ids):
      properties = values_of(reader.custom_properties)
      if reader.last_known_state == mlmd_pb2.Execution.COMPLETE and properties.get('cache_key') == cache_key:
        run = find_run(store, str(properties['run_id']))
        if run.state == 'COMPLETE':
          yield run


def find_run(store: mlmd.MetadataStore, run_id: str) -> Run:
  """A run by its id.

  Raises:
    UserError: the store has none of this id.
  """
  if executions := executions_of(store, run_id):
    return run_of(executions[-1], map(state_name, executions))
  recent = [run.run_id for run in list_runs(store, limit=_RECENT)]
  near = difflib.get_close_matches(run_id, recent, n=1) or recent[:1]
  hint = f'; did you mean {near[0]}?' if near else '; there is none at all'
  raise UserError(f'{run_id}: the store has no such run{hint}')


def artifacts_of(store: mlmd.MetadataStore, run: Run) -> list[RecordedArtifact]:
  """What a run read and made, in the order of its steps; what an earlier run made, where it took that."""
  order = {execution.id: place for place, execution in enumerate(executions_of(store, run.run_id))}
  events = store.get_events_by_execution_ids(list(order)) if order else []
  events = sorted(
    events, key=lambda event: (order[event.execution_id], event.type != mlmd_pb2.Event.INPUT, event.artifact_id)
  )
  keys = {event.artifact_id: event.path.steps[0].key for event in events}
  artifacts = {artifact.id: artifact for artifact in store.get_artifacts_by_id(list(keys))} if keys else {}
  return [
    RecordedArtifact(
      key, number, artifacts[number].type, artifacts[number].uri, mlmd_pb2.Artifact.State.Name(artifacts[number].state)
    )
    for number, key in keys.items()
  ]


def executions_of(store: mlmd.MetadataStore, run_id: str) -> list[mlmd_pb2.Execution]:
  """A run's executions, in the order in which its steps were recorded; none of a run that is not ours."""
  context = store.get_context_by_type_and_name(PIPELINE_RUN.name, run_id)
  executions = store.get_executions_by_context(context.id) if context else []
  return sorted(filter(is_ours, executions), key=lambda execution: execution.id)


def is_ours(execution: mlmd_pb2.Execution) -> bool:
  """Whether an execution is a step of a run of ours, of whichever release."""
  return execution.type.startswith(OWN) and 'run_id' in execution.custom_properties


def run_id_of(execution: mlmd_pb2.Execution) -> str:
  """The run that one of our executions is a step of."""
  return str(execution.custom_properties['run_id'].string_value)


def _runs(store: mlmd.MetadataStore, without_events: bool, earliest: float) -> Iterator[tuple[Run, int]]:
  """Our runs, those that were recorded last first, each with when it was; all, or those that have steps without events.

  A run's first step is recorded before its others, so that whoever reads backwards has seen all of them by then. Where
  several record at once it may be some way off, and where it is not to be seen, as it has events and those have not
  been asked for, the run's context tells which steps there are.
  """
  behind: dict[str, list[mlmd_pb2.Execution]] = {}
  given: set[str] = set()
  for executions in _newest_first(store, without_events, earliest):
    before = list(behind)
    for execution in filter(is_ours, executions):
      if (run_id := run_id_of(execution)) not in given:
        behind.setdefault(run_id, []).append(execution)
    # In their order, as far as they are whole; one whose beginning the next page did not bring is asked for.
    for run_id in list(behind):
      is_whole = behind[run_id][-1].type == STEPS[0].type
      if not is_whole and run_id not in before:
        break
      yield _recorded(store, run_id, behind.pop(run_id), is_whole)
      given.add(run_id)
  for run_id, steps in behind.items():
    yield _recorded(store, run_id, steps, steps[-1].type == STEPS[0].type)


def _recorded(
  store: mlmd.MetadataStore, run_id: str, steps: Sequence[mlmd_pb2.Execution], is_whole: bool
) -> tuple[Run, int]:
  """A run and when it was recorded, from its steps, the last first; from its context, where these are not all."""
  if not is_whole:
    steps = executions_of(store, run_id)[::-1] or steps
  return run_of(steps[0], map(state_name, steps)), steps[0].create_time_since_epoch


def _newest_first(
  store: mlmd.MetadataStore, without_events: bool, earliest: float
) -> Iterator[list[mlmd_pb2.Execution]]:
  """Executions of any type, all or those without events, a page at a time, up to one that has none since `earliest`.

  By their ids, which MLMD counts up, with gaps where a server gave one up: MLMD 1.21 has no filters any more.
  """
  newest = store.get_executions(mlmd.ListOptions(limit=1, order_by=mlmd.OrderByField.ID, is_asc=False))
  for ids in batches(range(newest[0].id if newest else 0, 0, -1)):
    if without_events:
      others = {event.execution_id for event in store.get_events_by_execution_ids(ids)}
      ids = [number for number in ids if number not in others]
    for page in batches(ids, _PAGE):
      executions = _sorted_executions(store, page)
      yield executions
      if executions and all(execution.create_time_since_epoch < earliest for execution in executions):
        return


def _sorted_executions(store: mlmd.MetadataStore, ids: Sequence[int]) -> list[mlmd_pb2.Execution]:
  """The executions of these ids, the newest first."""
  return sorted(store.get_executions_by_id(ids), key=lambda execution: -execution.id)


def run_of(last: mlmd_pb2.Execution, states: Iterable[str]) -> Run:
  """A run as the last of its executions tells of it, and the states of all."""
  properties = values_of(last.custom_properties)
  started = float(properties.get('started') or last.create_time_since_epoch / 1000)
  seconds, rows = properties.get('seconds'), properties.get('rows')
  return Run(
    run_id=run_id_of(last),
    pipeline_name=str(properties.get('pipeline_name', '')),
    state=state_of(states),
    folder=str(properties.get('folder', '')),
    started=datetime.datetime.fromtimestamp(started, datetime.timezone.utc),
    seconds=None if seconds is None else float(seconds),
    rows=None if rows is None else int(rows),
    properties=properties,
  )


def state_name(execution: mlmd_pb2.Execution) -> str:
  """Its state, by MLMD's name."""
  return str(mlmd_pb2.Execution.State.Name(execution.last_known_state))


def values_of(properties: Mapping[str, mlmd_pb2.Value]) -> dict[str, Value]:
  """Properties as plain values, by name and in the names' order."""
  return {name: getattr(properties[name], str(properties[name].WhichOneof('value'))) for name in sorted(properties)}


def unfinished(store: mlmd.MetadataStore) -> Sequence[Run]:
  """The runs that are RUNNING by their record, the newest first."""
  return list_runs(store, state='RUNNING')

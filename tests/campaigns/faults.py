"""Faults that befall runs: each is drawn by a seed and a number, and afterwards the account adds up.

A run with a manifest is complete: its files are what the manifest says, their rows are the input's, and the store says
so. Without a manifest it has failed or was canceled, by what the store says, or was never recorded. Either is said in
one line, unless the command was killed; `reconcile` settles the rest. No process is left, and the corrected command
goes well.
"""

import collections
import contextlib
import dataclasses
import functools
import os
import pathlib
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

from campaigns.scenes import Scene, World, corrected, new_world, outcome_of, processes_of
from emulators.databases import NotInstalledError

from beam_taxi.metadata.store import connect

# What can be seen of a run from outside, in the order in which it appears.
MOMENTS = {
  'its store': '../m.sqlite',
  'its folder': 'runs/one',
  'its listing': 'runs/one/input.json',
  'a draft of a shard': 'runs/one/examples/*/.*.tmp',
  'a shard': 'runs/one/examples/*/data_*',
  'statistics': 'runs/one/statistics/*/*.pb',
  'its schema': 'runs/one/schema/schema.pbtxt',
  'its report': 'runs/one/report/index.html',
  'its manifest': 'runs/one/manifest.json',
}
_WORKERS = ['--direct_running_mode=multi_processing', '--direct_num_workers=2']


class NotHereError(Exception):
  """This machine cannot have such a fault; the message says what it lacks."""


def killed_after_a_while(scene: Scene) -> None:
  process = scene.start()
  scene.after_a_while(process)
  process.kill()
  scene.end(process)


def killed_at_a_moment(scene: Scene) -> None:
  pattern = scene.chooser.choice([*MOMENTS.values()])
  process = scene.start()
  scene.until(process, lambda: next(pathlib.Path(scene.output).glob(pattern), None))
  process.kill()
  scene.end(process)


def interrupted(scene: Scene) -> None:
  process = scene.start()
  scene.after_a_while(process)
  process.send_signal(scene.chooser.choice([signal.SIGINT, signal.SIGTERM]))
  scene.end(process)


def workers_killed(scene: Scene) -> None:
  """One worker process or all are killed once there are any; or the command, whose workers must notice."""
  scene.flags += _WORKERS
  process = scene.start()
  scene.until(process, lambda: _workers(scene))
  scene.after_a_while(process, 3)
  workers = _workers(scene)
  for pid in scene.chooser.choice([workers, workers[:1], [process.pid]]):
    with contextlib.suppress(ProcessLookupError):
      os.kill(pid, signal.SIGKILL)
  scene.end(process)


def _workers(scene: Scene) -> list[int]:
  """Its worker processes, each of which a shell has started."""
  return [pid for pid, command in processes_of(scene.token) if 'sdk_worker' in command and '/sh -c' not in command]


def disk_full(scene: Scene) -> None:
  if os.geteuid():
    raise NotHereError('root, who mounts a small disk')
  disk = pathlib.Path(scene.output)
  disk.mkdir()
  has_store = scene.chooser.random() < 0.3
  kib = scene.chooser.randrange(4, 200)
  if has_store:
    scene.metadata = f'sqlite:///{disk}/m.sqlite'
  try:
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={kib}k', 'tmpfs', disk], check=True)
  except subprocess.CalledProcessError as error:
    raise NotHereError('root who may mount a small disk') from error
  scene.undo.callback(subprocess.run, ['umount', disk], check=True)
  scene.end(scene.start())
  # What is settled and corrected afterwards has room.
  subprocess.run(['mount', '-o', 'remount,size=64m', disk], check=True)


def input_changed(scene: Scene) -> None:
  """A file shrinks, grows, is rewritten, goes or is replaced, at some time of a run that reads it."""
  path = scene.chooser.choice(scene.inputs)
  text = path.read_text()
  changes: list[Callable[[], object]] = [
    lambda: os.truncate(path, scene.chooser.randrange(len(text))),
    lambda: path.write_text(text + '1,x\n' * scene.chooser.randrange(1, 2000)),
    lambda: path.write_text(text.replace('of', 'in')),
    lambda: _overwrite(path, text.replace('of', 'in').encode(), scene.chooser.randrange(len(text))),
    path.unlink,
    lambda: (path.unlink(), path.write_text(text[: len(text) // 2])),
    lambda: shutil.move(path, scene.folder / 'moved'),
  ]
  process = scene.start()
  # Before it is listed it is simply another input.
  scene.until(process, (pathlib.Path(scene.output) / 'runs' / 'one' / 'input.json').exists)
  scene.after_a_while(process)
  scene.chooser.choice(changes)()
  scene.end(process)


def _overwrite(path: pathlib.Path, data: bytes, begin: int) -> None:
  """Writes over a file from somewhere on; it keeps its size."""
  with path.open('r+b') as file:
    file.seek(begin)
    file.write(data[begin:])


def two_of_one_id(scene: Scene) -> None:
  first = scene.start()
  scene.after_a_while(first)
  second = scene.start()
  if scene.chooser.random() < 0.3:
    scene.after_a_while(second)
    first.kill()
  scene.end(first, second)


def storage_overloaded(scene: Scene) -> None:
  """Requests are refused with 429, 500 or 503, slow, or cut off, and then go well."""
  day = scene.use_bucket()
  day.begin(scene.chooser, scene.chooser.choice([0.05, 0.2, 0.5]), scene.chooser.randrange(1, 12))
  scene.end(scene.start())
  day.end()


def storage_forbidden(scene: Scene) -> None:
  """From some request on all are refused."""
  day = scene.use_bucket()
  day.begin(scene.chooser, 0, 0, forbidden_after=scene.chooser.randrange(60))
  scene.end(scene.start())
  day.end()


def killed_with_a_bucket(scene: Scene) -> None:
  scene.use_bucket()
  killed_after_a_while(scene)


def database_restarted(kind: str, scene: Scene) -> None:
  try:
    server = scene.world.database(kind)
  except NotInstalledError as error:
    raise NotHereError(str(error)) from error
  name = f'scene_{scene.token}'
  server.create_database(name)
  scene.metadata = server.uri(name)
  connect(scene.metadata)
  process = scene.start()
  scene.after_a_while(process)
  server.stop()
  try:
    if scene.chooser.random() < 0.5:
      scene.after_a_while(process)
  finally:
    server.start()
  scene.end(process)


KINDS: dict[str, Callable[[Scene], None]] = {
  'killed after a while': killed_after_a_while,
  'killed at a moment': killed_at_a_moment,
  'interrupted': interrupted,
  'workers killed': workers_killed,
  'disk full': disk_full,
  'input changed': input_changed,
  'two of one id': two_of_one_id,
  'storage overloaded': storage_overloaded,
  'storage forbidden': storage_forbidden,
  'killed, with a bucket': killed_with_a_bucket,
  'MariaDB restarted': functools.partial(database_restarted, 'mysql'),
  'PostgreSQL restarted': functools.partial(database_restarted, 'postgresql'),
}


@dataclasses.dataclass
class FaultAccount:
  """How many faults ended how, by their kind and by what became of the run; what does not add up; what was skipped."""

  outcomes: dict[str, collections.Counter] = dataclasses.field(
    default_factory=lambda: collections.defaultdict(collections.Counter)
  )
  wrong: list[str] = dataclasses.field(default_factory=list)
  skipped: dict[str, str] = dataclasses.field(default_factory=dict)

  @property
  def faults(self) -> int:
    return sum(counter.total() for counter in self.outcomes.values())


def befall(world: World, kind: str, seed: int, number: int, account: FaultAccount) -> None:
  """Has a fault of a kind befall a run, and accounts for it. What goes wrong is left in the world's folder."""
  chooser = random.Random(f'{seed} {number} {kind}')
  scene = Scene(world, chooser, f'{seed}-{number}')
  with scene.undo:
    try:
      KINDS[kind](scene)
    except NotHereError as lacking:
      account.skipped[kind] = str(lacking)
      return
    outcome, wrong = outcome_of(scene)
    wrong += corrected(scene)
    account.outcomes[kind][outcome] += 1
    account.wrong += [f'{scene.folder}: {kind}: {fault}' for fault in wrong]
    if wrong and scene.is_mounted:
      shutil.copytree(scene.output, scene.folder / 'kept')
  if not wrong:
    shutil.rmtree(scene.folder)


def run_faults(
  count: int, seed: int, folder: pathlib.Path, kinds: tuple[str, ...] = tuple(KINDS), number: int = 0
) -> Iterator[FaultAccount]:
  """Has so many faults befall runs, from a number on, of each kind as many; the account so far, after each."""
  account = FaultAccount()
  with new_world(folder) as world:
    while account.faults < count and len(account.skipped) < len(kinds):
      kind = kinds[number % len(kinds)]
      if kind not in account.skipped:
        befall(world, kind, seed, number, account)
        yield account
      number += 1

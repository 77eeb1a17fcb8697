"""A run that a fault befalls: its input, the command, and whether what came of it adds up."""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from unittest import mock

import warm
from apache_beam.internal.gcp import auth
from campaigns.mutated_inputs import run_here
from emulators import databases
from emulators.cloud_storage import storage_emulator, variables
from emulators.databases import DatabaseServer
from emulators.faulty_storage import BadDay, faulty_storage

from beam_taxi import storage
from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.errors import UserError
from beam_taxi.examples.reading import read
from beam_taxi.metadata.runs import find_run
from beam_taxi.metadata.store import connect
from beam_taxi.verification.verifying import verify

_ROOT = pathlib.Path(__file__).parent.parent.parent
_FILES = 3
_ROWS = 2000
# A run takes seconds, and clients of services give up after a few minutes.
_PATIENCE_S = 400
_POLL_S = 0.002
_INTERRUPTED = 130
# Without credentials Beam connects anonymously, but only after it has looked for some for half a minute.
_ANONYMOUS = """
import sys
from apache_beam.internal.gcp import auth
auth._Credentials._credentials_init = True
from beam_taxi.cli import _main as cli
sys.exit(cli.main())
"""


@dataclasses.dataclass
class World:
  """What scenes share: a folder, how many seconds a run takes, and servers, which are started when they are needed."""

  folder: pathlib.Path
  seconds: float
  servers: contextlib.ExitStack
  _started: dict = dataclasses.field(default_factory=dict)

  def bucket(self) -> tuple[str, BadDay]:
    """The address of a proxy before an emulator, and what befalls its requests."""

    def start() -> tuple[str, BadDay]:
      address = self.servers.enter_context(storage_emulator())
      # This process asks the emulator itself.
      self.servers.enter_context(mock.patch.dict(os.environ, variables(address)))
      self.servers.enter_context(mock.patch.object(auth._Credentials, '_credentials_init', True))
      return self.servers.enter_context(faulty_storage(address))

    return self._once('bucket', start)

  def database(self, kind: str) -> DatabaseServer:
    """A server. Raises databases.NotInstalledError."""
    start = {'mysql': databases.mariadb, 'postgresql': databases.postgresql}[kind]
    return self._once(kind, lambda: self.servers.enter_context(start()))

  def _once(self, name: str, start: Callable):
    if name not in self._started:
      self._started[name] = start()
    return self._started[name]


@contextlib.contextmanager
def new_world(folder: pathlib.Path) -> Iterator[World]:
  """A world, and how long a run takes in it."""
  with contextlib.ExitStack() as servers:
    world = World(folder, 0.0, servers)
    for name in ('first', 'second'):  # The first one finds nothing in the caches.
      scene = Scene(world, random.Random(0), name)
      began = time.monotonic()
      scene.end(scene.start())
      world.seconds = time.monotonic() - began
      assert scene.codes == [0], scene.said
    yield world


class Scene:
  """One run, its input, and where it writes.

  Attributes:
    chooser: draws whatever is random.
    folder: its own, with in/*.csv.
    output: where it writes, as --output takes it.
    metadata: its store.
    codes: exit codes of the commands that have ended, negative where a signal ended one.
    said: what they said on stderr.
    undo: what must be undone once the scene is over.
  """

  def __init__(self, world: World, chooser: random.Random, name: str):
    self.world, self.chooser, self.name = world, chooser, name
    self.folder = world.folder / name
    self.output = str(self.folder / 'out')
    self.metadata = f'sqlite:///{self.folder}/m.sqlite'
    self.variables: dict[str, str] = {}
    self.flags: list[str] = []
    self.program = ['-m', 'beam_taxi']
    self.token = secrets.token_hex(8)
    self.codes: list[int] = []
    self.said: list[str] = []
    self.undo = contextlib.ExitStack()
    (self.folder / 'in').mkdir(parents=True)
    for number in range(_FILES):
      (self.folder / 'in' / f'{number}.csv').write_text(rows(number))

  @property
  def inputs(self) -> list[pathlib.Path]:
    return sorted((self.folder / 'in').glob('*.csv'))

  @property
  def is_mounted(self) -> bool:
    """Whether it writes on a disk of its own, which goes with it."""
    return os.path.ismount(self.output)

  def use_bucket(self) -> BadDay:
    """Has the run write into a bucket."""
    proxy, day = self.world.bucket()
    self.output, self.variables = f'gs://bucket/{self.name}', variables(proxy)
    self.program = ['-c', _ANONYMOUS]
    return day

  def words(self, run_id: str, *flags: str) -> list[str]:
    """The command line of a run."""
    words = ['--input', f'{self.folder}/in/*.csv', '--output', self.output, '--metadata', self.metadata]
    return [*words, '--run_id', run_id, '--splits=all:1', '--block_size=4096', '--num_shards=4', *flags]

  def start(self) -> warm.Process:
    """Starts the run."""
    path = os.fspath(self.folder / f'stderr-{secrets.token_hex(4)}')
    env = {**os.environ, 'PYTHONPATH': str(_ROOT), **self.variables, 'BEAM_TAXI_SCENE': self.token}
    words = [*self.program, *self.words('one', *self.flags)]
    with open(path, 'w') as stderr, open(os.devnull, 'r+') as null:
      process = warm.Process(words, self.folder, env, null.fileno(), null.fileno(), stderr.fileno())
    process.said_in = path
    return process

  def until(self, process: warm.Process, look: Callable[[], object]) -> object:
    """Waits for what is looked for, or until the process has ended."""
    while process.poll() is None:
      if found := look():
        return found
      time.sleep(_POLL_S)
    return None

  def after_a_while(self, process: warm.Process, most: float = 1.1) -> None:
    """Waits for a random share of the seconds that a run takes, or until the process has ended."""
    end = time.monotonic() + self.chooser.uniform(0, most) * self.world.seconds
    self.until(process, lambda: time.monotonic() >= end)

  def end(self, *processes: warm.Process) -> None:
    """Waits for processes, each of which ends by itself."""
    for process in processes:
      deadline = time.monotonic() + _PATIENCE_S
      self.until(process, lambda deadline=deadline: time.monotonic() > deadline)
      if process.poll() is None:
        process.kill()
        process.wait()
        self.codes.append(1)
        self.said.append('Traceback: none, for it went on for minutes and was killed')
        continue
      self.codes.append(process.wait())
      self.said.append(pathlib.Path(process.said_in).read_text())


def rows(number: int) -> str:
  """A file's text."""
  return 'n,s\n' + ''.join(f'{number * _ROWS + row},"of {number},\n{row}"\n' for row in range(_ROWS))


def outcome_of(scene: Scene) -> tuple[str, list[str]]:
  """How a scene ended, in a word or two, and what does not add up."""
  faults = []
  for code, said in zip(scene.codes, scene.said, strict=True):
    # Of a command that was killed the workers are left, and what they say of it.
    if 'Traceback' in said and code != -signal.SIGKILL:
      faults.append(f'said a traceback: {said}')
    lines = said.strip().splitlines()
    # Before a run begins, Ctrl-C needs no words.
    if code > 0 and (said or code != _INTERRUPTED) and not (lines and lines[-1].startswith('error: ')):
      faults.append(f'ended with {code} and no error in one line: {said}')
    # A signal that comes before the command has begun ends it without any words.
    if code not in (0, 1, 2, _INTERRUPTED, -signal.SIGKILL) and not (code == -signal.SIGTERM and not said):
      faults.append(f'ended with {code}: {said}')
  faults += [f'a process is left: {process}' for process in strays(scene.token)]
  manifest = _manifest(scene)
  if (0 in scene.codes) > bool(manifest):
    faults.append('says that it is complete, and has no manifest')
  state = _settled_state(scene, faults)
  if manifest:
    faults += faults_of_files(scene.output, 'one', manifest)
    if state != 'COMPLETE':
      faults.append(f'has a manifest and is {state}')
  elif state not in ('FAILED', 'CANCELED', 'not recorded'):
    faults.append(f'has no manifest and is {state}')
  return state, faults


def _manifest(scene: Scene, run_id: str = 'one') -> Manifest | None:
  return read_manifest(RunFolder.of(scene.output, run_id))


def _settled_state(scene: Scene, faults: list[str]) -> str:
  """What the store says of the run once it is reconciled or, where it is complete and not recorded, recorded."""
  manifest = _manifest(scene)
  commands = [['reconcile', '--metadata', scene.metadata]]
  if manifest and any('recording it into' in said for said in scene.said):
    commands.append(['record', RunFolder.of(scene.output, 'one').uri, '--metadata', scene.metadata])
  for words in commands:
    code, said = run_here(words)
    # Where nothing was recorded there may be no store.
    if code and not (words[0] == 'reconcile' and code == 2 and 'no such' in said):
      faults.append(f'{words[0]} ended with {code}: {said}')
  try:
    return find_run(connect(scene.metadata), 'one').state
  except UserError:
    return 'not recorded'


def faults_of_files(output: str, run_id: str, manifest: Manifest) -> list[str]:
  """What in a run's files is not as its manifest says, or not what its input says."""
  folder = RunFolder.of(output, run_id).uri
  faults = [f'{each.file}: expected {each.expected}, found {each.found}' for each in verify(folder).findings]
  batches = read(folder, 'all').record_batches()
  columns = zip(*(([*batch.column('n')], [*batch.column('s')]) for batch in batches), strict=True)
  found = hashlib.sha256(repr([[cell.as_py() for part in column for cell in part] for column in columns]).encode())
  if found.hexdigest() != _RIGHT or manifest.input.rows != _FILES * _ROWS:
    faults.append(f'{run_id}: has other rows than its input')
  return faults


def _right() -> str:
  numbers = [[number] for number in range(_FILES * _ROWS)]
  texts = [[f'of {number},\n{row}'.encode()] for number in range(_FILES) for row in range(_ROWS)]
  return hashlib.sha256(repr([numbers, texts]).encode()).hexdigest()


_RIGHT = _right()


def corrected(scene: Scene) -> list[str]:
  """What is wrong with the corrected command: under the same id where that is free, else under another."""
  for number, path in enumerate(f'{scene.folder}/in/{number}.csv' for number in range(_FILES)):
    pathlib.Path(path).write_text(rows(number))
  place = RunFolder.of(scene.output, 'one').uri
  is_free = not (os.path.exists(place) if storage.is_local(place) else storage.match(storage.join(place, '**')))
  run_id = 'one' if is_free else 'two'
  code, said = run_here(scene.words(run_id))
  manifest = _manifest(scene, run_id)
  if code or not manifest:
    return [f'the corrected command, as {run_id}, ended with {code}: {said}']
  return faults_of_files(scene.output, run_id, manifest)


def strays(token: str) -> list[str]:
  """The processes that a scene's command has started and left; each is given time to notice.

  A worker that is just starting looks for a command that is gone for a minute to log to, and for another to obey.
  """
  deadline = time.monotonic() + 240
  while (found := processes_of(token)) and time.monotonic() < deadline:
    time.sleep(0.1)
  return [command for _, command in found]


def processes_of(token: str) -> list[tuple[int, str]]:
  """The processes that were begun within a scene, without the command itself: their numbers and command lines."""
  found = []
  for folder in pathlib.Path('/proc').glob('[0-9]*'):
    with contextlib.suppress(OSError):
      if token.encode() in (folder / 'environ').read_bytes():
        found.append((int(folder.name), (folder / 'cmdline').read_bytes().replace(b'\0', b' ').decode()[:200]))
  return found

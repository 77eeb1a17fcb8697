"""Real MariaDB and PostgreSQL servers of Debian's packages, each in a new folder and on a free port of 127.0.0.1.

They listen to nobody else, ask for a password, end with the process that started them, and are as fast as servers are
that need not survive a power cut. MLMD's MySQL client takes MariaDB for MySQL.
"""

import contextlib
import dataclasses
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

from emulators.identity import Identity

USER = 'beam_taxi'
_PATIENCE_S = 60
_POLL_S = 0.05
_PROGRAMS = os.pathsep.join(
  [os.environ.get('PATH', ''), '/usr/sbin', *map(str, sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin')))]
)


class NotInstalledError(Exception):
  """A server's programs are not on this machine; the message says how to get them."""


@dataclasses.dataclass(frozen=True)
class DatabaseServer:
  """A server that runs until its context ends.

  Attributes:
    kind: the scheme of its URIs.
    port: of 127.0.0.1; the same after stop and start.
    socket: MariaDB's socket; PostgreSQL's folder of the socket, as libpq takes it in the host's place.
    user: who may do all in the databases that create_database made, and nothing else.
    password_file: has the password, and may be read by this process's user alone.
    start: starts it again, with what it had when it was stopped; does nothing while it runs.
    stop: as an administrator would stop it: clients lose their connections.
  """

  kind: str
  port: int
  socket: pathlib.Path
  user: str
  password: str = dataclasses.field(repr=False)
  password_file: pathlib.Path
  start: Callable[[], None]
  stop: Callable[[], None]
  _create: Callable[[str], None]

  def create_database(self, name: str) -> None:
    self._create(name)

  def uri(self, name: str, **options: object) -> str:
    """A database's URI as `--metadata` takes it, with the password's file and these options."""
    query = urllib.parse.urlencode({'password_file': self.password_file, **options}, safe='/')
    return f'{self.kind}://{self.user}@127.0.0.1:{self.port}/{name}?{query}'


@contextlib.contextmanager
def mariadb(identity: Identity | None = None) -> Iterator[DatabaseServer]:
  """With an identity it refuses clients without TLS.

  Raises NotInstalledError, or RuntimeError with the server's log where it does not start.
  """
  install_db, mariadbd, client = _programs('mariadb-server', 'mariadb-install-db', 'mariadbd', 'mariadb')
  with _folder('mysql') as folder:
    account = _account('mysql')
    administrator = account or subprocess.check_output(['id', '-un'], text=True).strip()
    data, socket_path, port, password = folder / 'data', folder / 'socket', free_port(), secrets.token_hex()
    install = [install_db, '--no-defaults', f'--datadir={data}', '--skip-test-db']
    install += ['--auth-root-authentication-method=socket', f'--auth-root-socket-user={administrator}']
    _run([*_as(account), *install], folder)
    command = [mariadbd, '--no-defaults', f'--datadir={data}', f'--socket={socket_path}', f'--port={port}']
    command += ['--bind-address=127.0.0.1', '--skip-log-bin', '--innodb-flush-log-at-trx-commit=0']
    if identity:
      own = _own(identity, folder, account)
      command += ['--require-secure-transport=ON', f'--ssl-cert={own.certificate}', f'--ssl-key={own.key}']
      command += [f'--ssl-ca={own.certificate}']

    def execute(*statements: str) -> None:
      login = [client, '--no-defaults', f'--socket={socket_path}', f'--user={administrator}', '--batch']
      _run([*_as(account), *login], folder, ';\n'.join(statements))

    def create(name: str) -> None:
      execute(f'CREATE DATABASE `{name}`', f"GRANT ALL ON `{name}`.* TO '{USER}'@'%'")

    server = _Process([*_as(account, signal.SIGTERM), *command], folder, signal.SIGTERM, lambda: execute('SELECT 1'))
    with server.running():
      execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{password}'")
      yield _described('mysql', folder, port, socket_path, password, server, create)


@contextlib.contextmanager
def postgresql(identity: Identity | None = None) -> Iterator[DatabaseServer]:
  """With an identity it refuses clients without TLS.

  Raises NotInstalledError, or RuntimeError with the server's log where it does not start.
  """
  initdb, postgres, client = _programs('postgresql', 'initdb', 'postgres', 'psql')
  with _folder('postgres') as folder:
    account = _account('postgres')
    data, port, password = folder / 'data', free_port(), secrets.token_hex()
    administrator_password = secrets.token_hex()
    password_file = _secret(folder / 'administrator', administrator_password)
    if account:
      shutil.chown(password_file, account)
    install = [initdb, f'--pgdata={data}', '--username=postgres', '--auth=scram-sha-256', f'--pwfile={password_file}']
    _run([*_as(account), *install, '--no-sync'], folder)
    command = [postgres, '-D', data, '-p', str(port), '-k', folder]
    command += ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off']
    if identity:
      own = _own(identity, folder, account)
      command += ['-c', 'ssl=on', '-c', f'ssl_cert_file={own.certificate}', '-c', f'ssl_key_file={own.key}']
      (folder / 'data' / 'pg_hba.conf').write_text('local all all scram-sha-256\nhostssl all all all scram-sha-256\n')

    def execute(*statements: str) -> None:
      login = [client, f'--host={folder}', f'--port={port}', '--username=postgres', '--no-psqlrc', '--quiet']
      login += ['--output=/dev/null', '--set=ON_ERROR_STOP=1']
      _run(login, folder, ';\n'.join((*statements, '')), {'PGPASSWORD': administrator_password})

    def create(name: str) -> None:
      execute(f'CREATE DATABASE "{name}" OWNER {USER}')

    # After SIGTERM it would wait for its clients to leave.
    server = _Process([*_as(account, signal.SIGINT), *command], folder, signal.SIGINT, lambda: execute('SELECT 1'))
    with server.running():
      execute(f"CREATE USER {USER} PASSWORD '{password}'")
      yield _described('postgresql', folder, port, folder, password, server, create)


def free_port() -> int:
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    return free.getsockname()[1]


class _Process:
  """A server's process, which leads a group of its own, so that Ctrl-C reaches only the tests."""

  def __init__(
    self, command: list[str | pathlib.Path], folder: pathlib.Path, end: signal.Signals, ask: Callable[[], None]
  ) -> None:
    """`ask` raises as long as the server does not answer; `end` is the signal that ends it."""
    self._command, self._folder, self._end, self._ask = command, folder, end, ask
    self._process: subprocess.Popen | None = None

  @contextlib.contextmanager
  def running(self) -> Iterator[None]:
    try:
      self.start()
      yield
    finally:
      self.stop()

  def start(self) -> None:
    if self._process and self._process.poll() is None:
      return
    with (self._folder / 'log').open('ab') as log:
      self._process = subprocess.Popen(
        self._command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=self._folder,
        env=_environment(),
        start_new_session=True,
      )
    deadline = time.monotonic() + _PATIENCE_S
    while True:
      try:
        return self._ask()
      except RuntimeError as error:
        if self._process.poll() is not None or time.monotonic() > deadline:
          said = (self._folder / 'log').read_text(errors='replace')
          raise RuntimeError(f'the server does not answer: {error}\nIts log:\n{said}') from error
      time.sleep(_POLL_S)

  def stop(self) -> None:
    process, self._process = self._process, None
    if process is None:
      return
    process.send_signal(self._end)
    try:
      process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
      os.killpg(process.pid, signal.SIGKILL)
      process.wait()
      raise


def _described(
  kind: str,
  folder: pathlib.Path,
  port: int,
  socket_path: pathlib.Path,
  password: str,
  process: _Process,
  create: Callable[[str], None],
) -> DatabaseServer:
  password_file = _secret(folder / 'password', password)
  return DatabaseServer(kind, port, socket_path, USER, password, password_file, process.start, process.stop, create)


def _own(identity: Identity, folder: pathlib.Path, account: str | None) -> Identity:
  """A copy that belongs to the server: it reads no key that others may read."""
  copy = Identity(folder / 'server.pem', _secret(folder / 'server.key', identity.key.read_text()))
  copy.certificate.write_text(identity.certificate.read_text())
  if account:
    shutil.chown(copy.key, account)
  return copy


def _secret(path: pathlib.Path, text: str) -> pathlib.Path:
  path.touch(mode=0o600)
  path.write_text(text)
  return path


def _programs(package: str, *names: str) -> list[str]:
  """Where the programs are. Debian has some of them where no user's PATH leads."""
  found = {name: shutil.which(name, path=_PROGRAMS) for name in names}
  missing = [name for name, path in found.items() if path is None]
  if missing:
    raise NotInstalledError(
      f'{" and ".join(missing)} not found; apt-get install --no-install-recommends {package} has what these tests need'
    )
  return [path for path in found.values() if path is not None]


def _account(name: str) -> str | None:
  """Whom a server runs as in root's place, which it refuses; None for ourselves."""
  return name if os.geteuid() == 0 else None


def _as(account: str | None, end: signal.Signals = signal.SIGKILL) -> list[str]:
  """The start of a command that runs as another user, and gets the signal when the thread that started it ends."""
  user = [f'--reuid={account}', f'--regid={account}', '--init-groups'] if account else []
  return ['setpriv', *user, f'--pdeathsig={end.name.removeprefix("SIG")}', '--']


@contextlib.contextmanager
def _folder(account: str) -> Iterator[pathlib.Path]:
  """A new folder whose path is short enough for a socket's, and which the server owns."""
  with tempfile.TemporaryDirectory(prefix='beam_taxi_') as name:
    if os.geteuid() == 0:
      shutil.chown(name, account, account)
    yield pathlib.Path(name)


def _run(
  command: list[str | pathlib.Path], folder: pathlib.Path, text: str = '', variables: Mapping[str, str] | None = None
) -> None:
  """Runs a program that reads the text. Raises RuntimeError with what it said where it fails."""
  done = subprocess.run(
    command,
    input=text,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    cwd=folder,
    env={**_environment(), **(variables or {})},
    timeout=_PATIENCE_S,
  )
  if done.returncode:
    raise RuntimeError(f'{shlex.join(map(str, command))}: {done.stdout.strip()}')


def _environment() -> dict[str, str]:
  """Without the variables by which a user names other servers and settings."""
  return {'PATH': _PROGRAMS, 'LANG': 'C.UTF-8'}

"""The errors that are said in one line, and how they are found again behind a Beam runner; what such a line hides."""

import errno
import re

HIDDEN = '***'
_SECRET = r'(?:passw|passphrase|pwd|secret|token|credential|signature|access_?key|api_?key|connection_string)'
# Beam's environment_config and environment_option(s) have what workers' environments have.
_SECRET_FLAG = rf'-[\w-]*(?:{_SECRET}|environment_config|environment_option)[\w-]*'
_SECRETS = [
  # The password of USER:PASSWORD@HOST, which is no HOST:PORT/PATH with an @ in it.
  r'(://[^/@\s:]*:)(?!\d{1,5}[/?#])[^\s\'"]{0,1000}(?=@)',
  # A part of a query, but for those that say where a password is; not what a sentence puts behind it.
  rf'([?&](?!password_(?:env|file|secret)=)(?:[\w.-]*{_SECRET}[\w.-]*|sig|pass|auth)=)'
  r'[^&\s\'"#]+?(?=[:;,.)\]]*(?:[&\s\'"#]|$))',
  # What a connection string of Azure has.
  r'((?:AccountKey|SharedAccessSignature)=)[^;\s\'"]+',
  # An option, in a dict of Python's.
  rf"""(['"][\w-]*{_SECRET}[\w-]*['"]: ['"])[^'"]+""",
  # A flag, in a command line or in a list of Python's.
  rf"((?<![^\s']){_SECRET_FLAG}(?:=|', '))[^\s']+",
]


def hide_secrets(text: str) -> str:
  """A text as it may be shown and recorded: without the passwords, keys and tokens that URIs and flags in it have."""
  for pattern in _SECRETS:
    text = re.sub(pattern, rf'\1{HIDDEN}', text, flags=re.IGNORECASE)
  return text


def is_secret_flag(flag: str) -> bool:
  """Whether what a flag is given may be secret, by the flag's name."""
  return bool(re.fullmatch(_SECRET_FLAG, flag, re.IGNORECASE))


class UserError(Exception):
  """Wrong input, output, flags or metadata store: one line that says what, where and what to do. Exit code 2.

  What in it is secret is left out.
  """

  def __init__(self, message: str):
    super().__init__(hide_secrets(message))


class MishapError(Exception):
  """What came in between, though nothing was typed wrong: one line, of a store that is gone, say. Exit code 1."""

  def __init__(self, message: str):
    super().__init__(hide_secrets(message))


def on_one_line(text: str) -> str:
  """Text as a message or a table can hold it: line ends and what else cannot be printed are escaped."""
  if text.isprintable():
    return text
  return ''.join(character if character.isprintable() else repr(character)[1:-1] for character in text)


_IN_A_TRACEBACK = re.compile(
  r'^(?:beam_taxi\.errors\.)?UserError: (?P<message>.*?)(?: \[while running .*)?$', re.MULTILINE
)


def user_error_in(error: BaseException) -> UserError | None:
  """The UserError that made a Beam run fail, or None where something else did.

  A runner hands an exception on as it likes: as itself, with the step's name appended, or as the text of a worker's
  traceback inside a RuntimeError. The text is all that they share, so a UserError's message is one line.
  """
  if isinstance(error, UserError):
    return UserError(re.sub(r' \[while running .*', '', str(error), flags=re.DOTALL))
  found = _IN_A_TRACEBACK.search(str(error))
  return UserError(found['message']) if found else None


# What befalls disks, full ones first.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OF_A_DISK = '|'.join(map(str, (*_FULL, errno.EIO, errno.EROFS, errno.ESTALE)))
_MISHAP = re.compile(
  r'^(?:beam_taxi\.errors\.MishapError: (?P<message>.*?)'
  rf'|OSError: \[Errno (?P<number>{_OF_A_DISK})\] (?P<what>[^:\n\[]*?)(?:: \'(?P<path>[^\n]*?)\')?)'
  r'(?: \[while running .*)?$',
  re.MULTILINE,
)


# What befalls those who call each other: a call of gRPC's without an answer, in Python's words and in Java's, and a
# worker of a portable runner that is gone.
_SILENCE = re.compile(
  r'StatusCode\.(?:UNAVAILABLE|DEADLINE_EXCEEDED)\s+details = "(?P<python>[^\n]*?)"'
  r'|StatusRuntimeException: (?P<java>(?:UNAVAILABLE|DEADLINE_EXCEEDED)[^\n]*)'
)
_LOST_WORKER = 'Channel closed prematurely'
# A job server that Beam fetches and starts (apache_beam/utils/subprocess_server.py).
_NO_JOB_SERVER = re.compile(
  r'Unable to fetch remote (?:job server jar|prism binary) at (?P<url>[^\s,]+?):? '
  r'|Service failed to start up with error (?P<code>-?\d+)'
)


def mishap_in(error: BaseException) -> MishapError | None:
  """The mishap that made a run or a command fail, as user_error_in finds a UserError; None where something else did."""
  if isinstance(error, MishapError):
    return error
  if _LOST_WORKER in str(error):
    return MishapError(
      f'a worker is gone ({_LOST_WORKER}): it was killed, or ran out of memory; see its log, and have the cluster '
      'start tasks again (on Flink, by a restart-strategy)'
    )
  if missing := _NO_JOB_SERVER.search(str(error)):
    what = f'{missing["url"]}: cannot be fetched' if missing['url'] else f'the job server ended with {missing["code"]}'
    return MishapError(f'{what}; give --job_endpoint HOST:PORT of one that runs, or the path of another')
  if type(error).__name__ == 'FutureTimeoutError':
    return MishapError('a gRPC server does not answer; see that the job service and the pools of workers run')
  if type(error).__name__ == 'RpcError':  # What a server of gRPC sees of a client that is gone: nothing more.
    return MishapError('a worker, or whoever else is connected by gRPC, is gone; see that the workers run')
  if silence := _SILENCE.search(str(error)):
    said = silence['python'] or silence['java'] or 'no answer in time'
    return MishapError(f'a gRPC server does not answer ({said}); see that the job service and the workers run')
  found = _MISHAP.search(f'OSError: {error}' if isinstance(error, OSError) else str(error))
  if not found or found['message']:
    return MishapError(found['message']) if found else None
  remedy = '; free some space' if int(found['number']) in _FULL else ''
  return MishapError(f'{found["path"] or "a disk"}: {found["what"]}{remedy}')


def is_said_in_one_line(text: str) -> bool:
  """Whether a text, such as a traceback in a log, is of an error that is said in one line elsewhere."""
  return bool(_IN_A_TRACEBACK.search(text) or _MISHAP.search(text))

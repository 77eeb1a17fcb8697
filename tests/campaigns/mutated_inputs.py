"""Runs over mutated CSV files: each makes what Python's csv module finds in them, or says in one line why it does not.

Batches are drawn by a seed and a number, so that one that fails can be run again. The files of a batch are written
alike. Those that the oracle can read are the input of one run, and each of the others is refused in a run of its own.
"""

import collections
import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import random
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from campaigns.csv_oracle import FileText, RefusedError, as_shown, bad_row, expected_of, read_file
from campaigns.mutations import ENDINGS, WRITINGS, Writing, mutated_file

from beam_taxi.artifacts.manifest import Manifest, RunFolder, read_manifest
from beam_taxi.cli import _main as cli
from beam_taxi.examples.reading import read
from beam_taxi.inputs import ranges
from beam_taxi.inputs.quarantine import unescape

# What is said of a file that cannot be read, by the oracle's names for it.
REFUSALS = {
  'no_header': re.compile(
    r'line 1: (has no header|column \d+ (has no name|is named)|two columns are named|'
    'the header (is not|cannot be read))'
  ),
  'open_quote': re.compile(r'line \d+ \(byte [\d,]+( of it in UTF-8)?\): a quote opens here and is never closed'),
  'not_whole': re.compile(r'is not a whole (gzip|bzip2|zstd) file'),
  'not_of_its_encoding': re.compile(r'give the --encoding that it has, or fix it'),
  'no_such_column': re.compile(r'--column_types: .* has no column'),
  'bad_row': re.compile(r'line \d+ \(byte [\d,]+( of it in UTF-8)?\): .*set bad rows aside with --bad_rows quarantine'),
}
_LONGEST_RUN_S = 300
_INTERRUPTED = 130


@dataclasses.dataclass(frozen=True)
class MutatedFile:
  """A file, how it is compressed, and what the oracle reads in it; or why it can read nothing, in `refusal`."""

  name: str
  stored: bytes
  text: FileText | None
  refusal: str = ''


@dataclasses.dataclass(frozen=True)
class Batch:
  """Files that are written alike, and the flags of the runs over them."""

  seed: int
  number: int
  writing: Writing
  files: tuple[MutatedFile, ...]
  flags: tuple[str, ...]

  @property
  def fails(self) -> bool:
    """Whether its first bad row ends a run."""
    return '--bad_rows=fail' in self.flags


@dataclasses.dataclass
class Account:
  """What became of the files: how many were right, how many were refused for which reason; and what went wrong."""

  right: int = 0
  rows: int = 0
  bad_rows: int = 0
  runs: int = 0
  refused: collections.Counter = dataclasses.field(default_factory=collections.Counter)
  wrong: list[str] = dataclasses.field(default_factory=list)

  @property
  def files(self) -> int:
    return self.right + self.refused.total() + len(self.wrong)


def batch_of(seed: int, number: int, most_files: int) -> Batch:
  """Draws a batch of at most so many files."""
  chooser = random.Random(f'{seed} {number}')
  writing = chooser.choice([WRITINGS[0], *WRITINGS])
  # Few files of numbers, so that their columns stay numbers; few bad rows where one ends the run.
  fails = chooser.random() < 0.03
  count = (
    1 if fails else min(most_files, chooser.choice([4, 40] if writing.numbers and not writing.given else [40, 60]))
  )
  rows = chooser.choice([3, 25, 60])
  files = []
  while len(files) < count:
    file = _drawn(f'{len(files):03}', chooser, writing, rows)
    # Most of those that need a run of their own are drawn again: such runs take nearly all of the time.
    needs_own = not file.text or (not writing.dialect.columns and file.text.columns != ('a', 'b', 'c'))
    if not needs_own or chooser.random() < 0.12:
      files.append(file)
  flags = [
    '--metadata=none',
    '--splits=all:1',
    f'--bad_rows={"fail" if fails else "quarantine"}',
    f'--block_size={1 + sum(len(file.stored) for file in files) // chooser.choice([1, 8, 40])}',
    f'--direct_num_workers={chooser.choice([1] * 9 + [2])}',
    *writing.flags(),
  ]
  return Batch(seed, number, writing, tuple(files), tuple(flags))


def _drawn(name: str, chooser: random.Random, writing: Writing, rows: int) -> MutatedFile:
  stored, compression = mutated_file(chooser, writing, rows)
  text, refusal = None, ''
  try:
    text = read_file(stored, compression, writing.dialect, tuple(writing.given))
  except RefusedError as why:
    refusal = str(why)
  return MutatedFile(name + ENDINGS[compression], stored, text, refusal)


def run_batch(batch: Batch, folder: pathlib.Path, account: Account) -> None:
  """Runs what there is to run over a batch's files, and counts what became of them.

  Args:
    batch: the batch.
    folder: an empty one; what goes wrong is left in it, in a folder of its own, with the command in `command.txt`.
    account: what is counted.
  """
  groups: dict[tuple[str, ...] | int, list[MutatedFile]] = collections.defaultdict(list)
  for index, file in enumerate(batch.files):
    groups[file.text.columns if file.text else index].append(file)
  for index, files in enumerate(groups.values()):
    place = folder / f'{batch.seed}-{batch.number}-{index}'
    fault = _fault_of_run(batch, files, place, account)
    if not fault:
      _remove(place)
      continue
    # Which of them is it?
    alone = [(file, _fault_of_run(batch, [file], place / file.name, account)) for file in files if len(files) > 1]
    faults = [f'{place / file.name}: {its}' for file, its in alone if its] or [f'{place}: {fault}']
    account.wrong += faults


def _fault_of_run(batch: Batch, files: Sequence[MutatedFile], folder: pathlib.Path, account: Account) -> str:
  """Runs over some files; what is wrong with what comes of it, or ''."""
  (folder / 'input').mkdir(parents=True)
  for file in files:
    (folder / 'input' / file.name).write_bytes(file.stored)
  words = ['--input', str(folder / 'input'), '--output', str(folder / 'out'), '--run_id=run', *batch.flags]
  (folder / 'command.txt').write_text(shlex.join(words) + '\n')
  code, said = run_here(words)
  account.runs += 1
  if 'Traceback' in said:
    return f'a traceback: {said}'
  [file, *_] = files
  refusal = file.refusal
  if file.text and batch.fails:
    first = next((row for row in file.text.rows if bad_row(row, len(file.text.columns), file.text.encoding)), None)
    refusal = 'bad_row' if first or expected_of([(file.name, file.text)], *_how(batch)).bad else ''
  try:
    if refusal:
      fault = _fault_of_refusal(code, said, refusal, folder)
      account.refused[refusal] += not fault
    else:
      fault = _fault_of_output(code, said, batch, files, folder)
      account.right += 0 if fault else len(files)
  except Exception as error:  # Of a run whose output cannot be read, that is to be said with the rest.
    return f'{type(error).__name__}: {error}'
  if not fault and not refusal:
    manifest = _manifest(folder)
    account.rows += manifest.input.rows
    account.bad_rows += sum(manifest.bad_rows.values())
  return fault


def _how(batch: Batch) -> tuple:
  return batch.writing.dialect, batch.writing.given


def _fault_of_refusal(code: int, said: str, refusal: str, folder: pathlib.Path) -> str:
  lines = said.strip().splitlines()
  if code != 2 or not lines or not lines[-1].startswith('error: '):
    return f'expected to be refused ({refusal}), and ended with {code}: {said}'
  # What there is of a file that is not whole may be refused first.
  if not any(REFUSALS[why].search(lines[-1]) for why in (REFUSALS if refusal == 'not_whole' else [refusal])):
    return f'expected to be refused ({refusal}), and was for another reason: {lines[-1]}'
  if (folder / 'out' / 'runs' / 'run').exists():
    return f'was refused and left a folder: {sorted(map(str, (folder / "out").rglob("*")))}'
  return ''


def _fault_of_output(code: int, said: str, batch: Batch, files: Sequence[MutatedFile], folder: pathlib.Path) -> str:
  if code != 0:
    return f'expected to be read, and ended with {code}: {said}'
  manifest = _manifest(folder)
  texts = [(file.name, file.text) for file in files if file.text]
  expected = expected_of(texts, *_how(batch))
  rows = sum(len(text.rows) for _, text in texts)
  if (manifest.input.rows, sum(manifest.splits.values())) != (rows, len(expected.good)):
    return f'{manifest.input.rows} rows and {manifest.splits} for {rows} rows, {len(expected.good)} of them good'
  if sum(manifest.bad_rows.values()) != len(expected.bad):
    return f'{manifest.bad_rows} bad rows for {len(expected.bad)}'
  if (names := [kind.name for kind in expected.types]) != list(manifest.columns.values()):
    return f'the types {manifest.columns} for {names}'
  return _first_difference('row', _cells(folder, manifest.columns), expected.good) or _first_difference(
    'bad row',
    _set_aside(manifest),
    [(name, bad.row.line, bad.row.offset, bad.reason, bad.row.data) for name, bad in expected.bad],
  )


def _first_difference(what: str, found: Sequence, expected: Sequence) -> str:
  for number, (mine, right) in enumerate(zip(found, expected, strict=False)):
    if mine != right:
      return f'{what} {number} is {mine} for {right}'
  return '' if len(found) == len(expected) else f'{len(found)} of {what} for {len(expected)}'


def _manifest(folder: pathlib.Path) -> Manifest:
  manifest = read_manifest(RunFolder.of(str(folder / 'out'), 'run'))
  assert manifest, 'there is no manifest'
  return manifest


def _cells(folder: pathlib.Path, columns: Mapping[str, str]) -> list[tuple[object, ...]]:
  """The cells of all Examples, as the oracle has them."""
  found: list[tuple[object, ...]] = []
  for batch in read(str(folder / 'out' / 'runs' / 'run'), 'all').record_batches():
    by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
    lists = [by_name[name].to_pylist() if name in by_name else [None] * batch.num_rows for name in columns]
    found += zip(*(map(_cell, cells) for cells in lists), strict=True)
  return found


def _cell(values: list | None) -> object:
  if not values:
    return None
  [value] = values
  return as_shown(value) if isinstance(value, float) else value


def _set_aside(manifest: Manifest) -> list[tuple]:
  found = []
  for file in manifest.quarantine:
    for line in pathlib.Path(file.path).read_text('utf-8').split('\n')[:-1]:
      row = json.loads(line)
      name = os.path.basename(row['file'])
      found.append((name, row['line'], row['offset'], row['reason'], unescape(row['row'])))
  return found


def run_here(words: Sequence[str]) -> tuple[int, str]:
  """A run in this process: its exit code, and what it says on stderr. One that takes minutes is interrupted."""
  stderr, handlers, interrupt = sys.stderr, logging.getLogger().handlers, signal.getsignal(signal.SIGTERM)
  # Each command line has a stderr of its own, to which its log goes.
  logging.getLogger().handlers = []
  signal.signal(signal.SIGALRM, signal.default_int_handler)
  signal.alarm(_LONGEST_RUN_S)
  try:
    with (
      tempfile.TemporaryFile() as out,
      tempfile.TemporaryFile() as err,
      _into(1, out.fileno()),
      _into(2, err.fileno()),
    ):
      try:
        code = cli.main(words)
      except SystemExit as end:
        code = int(end.code or 0)
      except Exception as error:
        logging.getLogger(__name__).exception('the command raised %s', error)
        code = 1
      sys.stderr.flush()
      sys.stdout.flush()
      if code == _INTERRUPTED and signal.alarm(0):
        # Somebody wants the campaign to end, not only this run.
        raise KeyboardInterrupt
      return code, os.pread(err.fileno(), os.fstat(err.fileno()).st_size, 0).decode(errors='replace')
  finally:
    signal.alarm(0)
    signal.signal(signal.SIGTERM, interrupt)
    sys.stderr, logging.getLogger().handlers = stderr, handlers


@contextlib.contextmanager
def _into(descriptor: int, file: int) -> Iterator[None]:
  before = os.dup(descriptor)
  sys.stdout.flush()
  os.dup2(file, descriptor)
  try:
    yield
  finally:
    sys.stdout.flush()
    os.dup2(before, descriptor)
    os.close(before)


@contextlib.contextmanager
def ranges_of_any_size() -> Iterator[None]:
  """Lets small files be cut into many ranges, as large ones are."""
  before = ranges.SMALLEST_RANGE, ranges.FEWEST
  ranges.SMALLEST_RANGE = ranges.FEWEST = 1
  try:
    yield
  finally:
    ranges.SMALLEST_RANGE, ranges.FEWEST = before


def _remove(folder: pathlib.Path) -> None:
  for path in sorted(folder.rglob('*'), reverse=True):
    path.rmdir() if path.is_dir() else path.unlink()
  folder.rmdir()


def run_files(count: int, seed: int, folder: pathlib.Path, number: int = 0) -> Iterator[Account]:
  """Runs over so many files, from a batch on, whatever becomes of them; the account so far, after each batch."""
  account = Account()
  with ranges_of_any_size():
    while account.files < count:
      run_batch(batch_of(seed, number, count - account.files), folder, account)
      yield account
      number += 1

"""Two hundred files of the campaign over mutated inputs, and that it notices what goes wrong."""

import dataclasses
import pathlib

from campaigns.csv_oracle import read_file
from campaigns.mutated_inputs import Account, Batch, MutatedFile, run_batch, run_files
from campaigns.mutations import WRITINGS


def test_whole_runs_over_mutated_files_are_right_or_refused_in_one_line(tmp_path: pathlib.Path) -> None:
  *_, account = run_files(200, 0, tmp_path)

  assert account.wrong == []
  assert account.right > 150
  assert len(account.refused) >= 3
  assert account.rows > account.bad_rows > 100
  assert list(tmp_path.iterdir()) == []


def test_a_run_that_makes_something_else_is_wrong_and_is_kept(tmp_path: pathlib.Path) -> None:
  text = read_file(b'a,b,c\n1,2,3\n', '', WRITINGS[0].dialect)
  right = MutatedFile('0.csv', b'a,b,c\n1,2,3\n', text)
  files = (right, dataclasses.replace(right, name='1.csv', stored=b'a,b,c\n1,2,4\n'))
  account = Account()

  run_batch(Batch(0, 0, WRITINGS[0], files, ('--metadata=none', '--splits=all:1')), tmp_path, account)

  [fault] = account.wrong
  assert 'row 0 is (1, 2, 4) for (1, 2, 3)' in fault
  assert (account.right, '--run_id=run' in (tmp_path / '0-0-0' / 'command.txt').read_text()) == (1, True)
  assert (tmp_path / '0-0-0' / '1.csv' / 'input' / '1.csv').read_bytes() == files[1].stored

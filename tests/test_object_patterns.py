"""What is the same in every object store: which objects a pattern names, and what is said of one that is none."""

from collections.abc import Iterator

import pytest

from beam_taxi.errors import UserError
from beam_taxi.storage.objects import match_objects
from beam_taxi.storage.stored_file import StoredFile

NAMES = ['a.csv', 'b.csv', '.hidden.csv', 'c.txt', 'x/a.csv', 'x/y/a.csv', 'x/.z/a.csv', 'x/.a.csv', '[1].csv']


class Store:
  """Holds objects of these names and nothing in them."""

  def list(self, prefix: str, *, deep: bool) -> Iterator[StoredFile]:
    for name in NAMES:
      path = f's3://bucket/{name}'
      if path.startswith(prefix) and (deep or '/' not in path.removeprefix(prefix)):
        yield StoredFile(path, 0, '')


@pytest.mark.parametrize(
  ('pattern', 'names'),
  [
    ('*.csv', ['a.csv', 'b.csv', '[1].csv']),
    ('?.csv', ['a.csv', 'b.csv']),
    ('[ab].csv', ['a.csv', 'b.csv']),
    ('[!a].csv', ['b.csv']),
    ('[[]1].csv', ['[1].csv']),
    ('.*.csv', ['.hidden.csv']),
    ('**/a.csv', ['a.csv', 'x/a.csv', 'x/y/a.csv']),
    ('x/**', ['x/a.csv', 'x/y/a.csv']),
    ('x/**/*.csv', ['x/a.csv', 'x/y/a.csv']),
    ('*/a.csv', ['x/a.csv']),
    ('x/.z/*', ['x/.z/a.csv']),
  ],
)
def test_a_pattern_names_what_it_would_name_on_a_disk(pattern: str, names: list[str]) -> None:
  found = match_objects(Store(), f's3://bucket/{pattern}')

  assert sorted(file.path.removeprefix('s3://bucket/') for file in found) == sorted(names)


def test_what_is_no_pattern_is_said() -> None:
  with pytest.raises(UserError, match=r's3://bucket/\[z-a\]\.csv: is no pattern'):
    match_objects(Store(), 's3://bucket/[z-a].csv')

"""TFDV's compiled part: the package's own, beside it and without it."""

import subprocess
import sys

import pandas
import pytest
import tensorflow_data_validation as tfdv

from beam_taxi.analysis import schema
from beam_taxi.analysis.tfdv import compiled

SPLITS = [tfdv.generate_statistics_from_dataframe(pandas.DataFrame({'x': values})) for values in ([1, 2], [1.5, None])]


def test_both_releases_have_a_compiled_part_as_we_know_it() -> None:
  assert compiled()


def test_a_release_that_has_none_infers_the_same_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
  expected = schema.infer_schema(SPLITS)

  monkeypatch.setattr(schema, 'compiled', lambda: None)

  assert schema.infer_schema(SPLITS) == expected == tfdv.update_schema(tfdv.infer_schema(SPLITS[0]), SPLITS[1])


@pytest.mark.parametrize('order', [('compiled', 'tfdv'), ('tfdv', 'compiled')], ids='-'.join)
def test_the_compiled_part_and_the_package_end_well_in_one_process(order: tuple[str, str]) -> None:
  program = f'from beam_taxi.analysis.tfdv import compiled, tfdv; assert {order[0]}(); assert {order[1]}()'

  subprocess.run([sys.executable, '-c', program], check=True)

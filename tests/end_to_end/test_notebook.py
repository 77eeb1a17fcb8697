"""The notebook, executed whole on fresh runs, as a person would run all of its cells."""

import os
import pathlib

import nbclient
import nbformat
import pytest
from commands import ROOT, beam_taxi


@pytest.fixture
def executed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
  for run_id, rows in (('first', 100), ('second', 200)):
    (tmp_path / 'rows.csv').write_text('n,s\n' + ''.join(f'{n},text {n % 7}\n' for n in range(rows)))
    done = beam_taxi(tmp_path, '--input', 'rows.csv', '--output', 'out', '--run_id', run_id)
    assert done.returncode == 0, done.stderr
  notebook = nbformat.read(ROOT / 'notebooks' / 'explore.ipynb', as_version=4)
  monkeypatch.setenv('BEAM_TAXI_STORE', f'sqlite:///{tmp_path}/out/metadata.sqlite')
  monkeypatch.setenv('PYTHONPATH', str(ROOT))
  monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
  client = nbclient.NotebookClient(notebook, timeout=300, kernel_name='python3')
  return client.execute(cwd=os.fspath(ROOT / 'notebooks'))


def outputs_of(notebook: nbformat.NotebookNode, source: str) -> str:
  """What the cells with a line of code in them show, as text and as HTML."""
  cells = [cell for cell in notebook.cells if cell.cell_type == 'code' and source in cell.source]
  assert cells
  shown = [output.get('data', {}) for cell in cells for output in cell.outputs]
  texts = [output.get('text', '') for cell in cells for output in cell.outputs]
  return '\n'.join([*texts, *(data.get('text/html', data.get('text/plain', '')) for data in shown)])


def test_all_cells_run_and_show_what_there_is(executed: nbformat.NotebookNode) -> None:
  assert 'second' in outputs_of(executed, 'list_runs(store, limit=20)')
  assert 'beam_taxi.CsvInput' in outputs_of(executed, 'artifacts_of(store, run)')
  assert outputs_of(executed, 'report(').count('<iframe') == 3
  assert 'rows.csv' in outputs_of(executed, 'print_lineage')
  assert 'text' in outputs_of(executed, 'dataframe()')
  assert "'n'" in outputs_of(executed, 'dataset(')
  assert "'rows': 200" in outputs_of(executed, 'read_manifest(folder)')


def test_the_notebook_is_kept_without_outputs() -> None:
  notebook = nbformat.read(ROOT / 'notebooks' / 'explore.ipynb', as_version=4)

  assert [cell.id for cell in notebook.cells if cell.get('outputs')] == []

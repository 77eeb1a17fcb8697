"""A command that only writes a template, which is launched later."""

import pathlib

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from beam_taxi.lifecycle import run as lifecycle
from beam_taxi.lifecycle.run import run_command
from beam_taxi.settings.config import RunConfig


class DataflowRunner(PipelineRunner):
  """Known by its name; it is not run."""


class WrittenTemplate:
  """A graph that has been written down."""

  job = None

  def __init__(self, _: object):
    pass

  def start(self) -> None:
    pass

  def wait(self, seconds: float) -> bool:
    return True

  def counted(self, name: str) -> int:
    return 0

  def counters(self) -> dict[str, int]:
    return {}

  def stage(self) -> str:
    return 'staging'


@pytest.fixture(autouse=True)
def dataflow(monkeypatch: pytest.MonkeyPatch) -> None:
  options = PipelineOptions(['--template_location=gs://b/t', '--project=p', '--region=r'])
  monkeypatch.setattr(lifecycle, 'parse_beam_args', lambda _: (DataflowRunner(), options))
  monkeypatch.setattr(lifecycle, 'GraphRun', WrittenTemplate)


def config(folder: pathlib.Path, **settings: object) -> RunConfig:
  return RunConfig((f'{folder}/later.csv',), f'{folder}/out', 'one', preflight=False, **settings)  # type: ignore[arg-type]


def test_the_input_need_not_be_there_yet(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
  assert run_command(config(tmp_path, metadata='none'), []) == 0

  assert 'gs://b/t is written, and one begins when it is launched' in capsys.readouterr().out

"""Worker processes that end before their work is done, as where memory is short: the run does not wait for them."""

import os
import pathlib
import sys

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from beam_taxi.errors import mishap_in
from beam_taxi.runners import workarounds as beam_workarounds  # noqa: F401 - imported for what it does

# A shell runs them. Beam says in the environment where it is.
COMMANDS = {
  'at_once': 'exit 7',
  'at_once_before_another_begins': 'mkdir first && exit 7; exec python -m apache_beam.runners.worker.sdk_worker_main',
  'at_work': (
    "python -c 'import os; from apache_beam.runners.worker import sdk_worker, sdk_worker_main; "
    "sdk_worker.SdkWorker.process_bundle = lambda *_: os._exit(7); sdk_worker_main.main([])'"
  ),
}


# Nor does any thread of Beam's end with a traceback.
@pytest.mark.filterwarnings('error::pytest.PytestUnhandledThreadExceptionWarning')
@pytest.mark.parametrize('command', COMMANDS.values(), ids=COMMANDS)
def test_a_worker_process_that_ends_early_ends_the_run_in_one_line(
  command: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('PATH', os.path.dirname(sys.executable), prepend=os.pathsep)
  runner = FnApiRunner(SubprocessSDKEnvironment(command))
  pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(direct_num_workers=2))
  _ = pipeline | beam.Create(range(10)) | beam.Reshuffle() | beam.Map(str)

  with pytest.raises(Exception, match='worker process') as raised:
    pipeline.run()

  mishap = mishap_in(raised.value)
  assert mishap
  assert str(mishap).startswith('a worker process ended before its work was done (Worker subprocess exited with return')

"""CSV to tf.Examples, statistics, a schema and recorded lineage, in one Apache Beam graph.

What is offered here is the public surface; everything else may change from release to release. Nothing is imported
before it is asked for.

    beam_taxi.RunConfig, run, build_graph         a run, and its graph for a pipeline of your own
    beam_taxi.ReadCsv, EncodeExamples, WriteExamples, GenerateStatistics, WriteStatistics, InferSchema
                                                  its steps, for a pipeline of your own; see recipes/
    beam_taxi.ShardBatches, ShardBlock, WrittenFile
                                                  what goes between them
    beam_taxi.OutputForm, Split, Dialect, InputSplit, ColumnType, Timestamp, Picture, Derived, BadRowLimit
                                                  what says how
    beam_taxi.UserError, user_error_in            what is wrong, and how a runner's error is told from it
    beam_taxi.verify                              whether a run's folder has what the run wrote
    beam_taxi.read                                a split of a finished run: RecordBatches, tf.data, pandas
    beam_taxi.report                              the report of a run or of statistics, in a notebook
    beam_taxi.connect, list_runs, find_run, artifacts_of, lineage_of, record_manifest
                                                  questions to a metadata store, and recording into one
"""

import importlib
import os
import warnings
from typing import TYPE_CHECKING

from beam_taxi.version import __version__ as __version__

# A name that is offered stands here, for type checkers and editors, and below.
if TYPE_CHECKING:
  from beam_taxi.artifacts.manifest import Manifest as Manifest
  from beam_taxi.artifacts.manifest import RunFolder as RunFolder
  from beam_taxi.artifacts.manifest import WrittenFile as WrittenFile
  from beam_taxi.artifacts.manifest import read_manifest as read_manifest
  from beam_taxi.errors import UserError as UserError
  from beam_taxi.errors import user_error_in as user_error_in
  from beam_taxi.examples.output_form import OutputForm as OutputForm
  from beam_taxi.examples.reading import read as read
  from beam_taxi.examples.splits import Split as Split
  from beam_taxi.graph.input_steps import ReadCsv as ReadCsv
  from beam_taxi.graph.input_steps import ShardBlock as ShardBlock
  from beam_taxi.graph.output_steps import EncodeExamples as EncodeExamples
  from beam_taxi.graph.output_steps import WriteExamples as WriteExamples
  from beam_taxi.graph.pipeline import build_graph as build_graph
  from beam_taxi.graph.shard_batches import ShardBatches as ShardBatches
  from beam_taxi.graph.statistics_steps import GenerateStatistics as GenerateStatistics
  from beam_taxi.graph.statistics_steps import InferSchema as InferSchema
  from beam_taxi.graph.statistics_steps import WriteStatistics as WriteStatistics
  from beam_taxi.inputs.bad_row_policy import BadRowLimit as BadRowLimit
  from beam_taxi.inputs.column_form import Derived as Derived
  from beam_taxi.inputs.columns import ColumnType as ColumnType
  from beam_taxi.inputs.csv.dialect import Dialect as Dialect
  from beam_taxi.inputs.input_splits import InputSplit as InputSplit
  from beam_taxi.inputs.written import Picture as Picture
  from beam_taxi.inputs.written import Timestamp as Timestamp
  from beam_taxi.lifecycle.run import run as run
  from beam_taxi.metadata.lineage import lineage_of as lineage_of
  from beam_taxi.metadata.recording import record_manifest as record_manifest
  from beam_taxi.metadata.runs import artifacts_of as artifacts_of
  from beam_taxi.metadata.runs import find_run as find_run
  from beam_taxi.metadata.runs import list_runs as list_runs
  from beam_taxi.metadata.store import connect as connect
  from beam_taxi.settings.config import RunConfig as RunConfig
  from beam_taxi.show.report.notebook import report as report
  from beam_taxi.verification.verifying import verify as verify

# Where each name is that is offered.
_PUBLIC = {
  'BadRowLimit': 'inputs.bad_row_policy',
  'ColumnType': 'inputs.columns',
  'Derived': 'inputs.column_form',
  'Dialect': 'inputs.csv.dialect',
  'EncodeExamples': 'graph.output_steps',
  'GenerateStatistics': 'graph.statistics_steps',
  'InferSchema': 'graph.statistics_steps',
  'InputSplit': 'inputs.input_splits',
  'Manifest': 'artifacts.manifest',
  'OutputForm': 'examples.output_form',
  'Picture': 'inputs.written',
  'ReadCsv': 'graph.input_steps',
  'RunConfig': 'settings.config',
  'RunFolder': 'artifacts.manifest',
  'ShardBatches': 'graph.shard_batches',
  'ShardBlock': 'graph.input_steps',
  'Split': 'examples.splits',
  'Timestamp': 'inputs.written',
  'UserError': 'errors',
  'WriteExamples': 'graph.output_steps',
  'WriteStatistics': 'graph.statistics_steps',
  'WrittenFile': 'artifacts.manifest',
  'artifacts_of': 'metadata.runs',
  'build_graph': 'graph.pipeline',
  'connect': 'metadata.store',
  'find_run': 'metadata.runs',
  'lineage_of': 'metadata.lineage',
  'list_runs': 'metadata.runs',
  'read': 'examples.reading',
  'read_manifest': 'artifacts.manifest',
  'record_manifest': 'metadata.recording',
  'report': 'show.report.notebook',
  'run': 'lifecycle.run',
  'user_error_in': 'errors',
  'verify': 'verification.verifying',
}

__all__ = list(_PUBLIC)

# TensorFlow writes about CUDA, oneDNN and CPU features to stderr when it is imported, on machines where none of that
# matters here. Its own errors still show, and whoever has set the variable keeps their choice.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

# Each Google Cloud client warns, when Beam imports it, of a Python version whose support ends in some year to come.
warnings.filterwarnings('ignore', message='You are using a Python version', category=FutureWarning)


if not TYPE_CHECKING:  # With it, any name would be one to a type checker.

  def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
      raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    found = getattr(importlib.import_module(f'{__name__}.{_PUBLIC[name]}'), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
  return sorted({*globals(), *_PUBLIC})

"""TFX's CsvExampleGen, StatisticsGen and SchemaGen over a CSV file, for the Python of requirements/tfx-3.10.txt.

  tfx_pipeline.py FILE FOLDER

Beam runs in this process, by the runner that main.py takes as well.
"""

import os
import sys

from tfx import v1 as tfx


def main() -> None:
  path, folder = sys.argv[1:]
  source = os.path.join(folder, 'input')
  os.makedirs(source)
  os.symlink(os.path.abspath(path), os.path.join(source, 'data.csv'))
  examples = tfx.components.CsvExampleGen(input_base=source)
  statistics = tfx.components.StatisticsGen(examples=examples.outputs['examples'])
  schema = tfx.components.SchemaGen(statistics=statistics.outputs['statistics'])
  pipeline = tfx.dsl.Pipeline(
    pipeline_name='peer',
    pipeline_root=os.path.join(folder, 'root'),
    components=[examples, statistics, schema],
    metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
      os.path.join(folder, 'metadata.sqlite')
    ),
    beam_pipeline_args=['--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner'],
  )
  tfx.orchestration.LocalDagRunner().run(pipeline)


if __name__ == '__main__':
  main()

"""Elements with many rows are weighed without being written, and survive being written."""

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_taxi.examples.blocks import encode_block
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.graph.coders import RowsCoder, use_for_batches
from beam_taxi.graph.input_steps import ShardBlock
from beam_taxi.graph.output_steps import EncodedBlock
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.inputs.shard_sizes import Shard
from beam_taxi.settings.config import RunConfig

ROWS = pa.RecordBatch.from_arrays([pa.array([1, None, 3]), pa.array([b'x' * 1000, b'', None])], names=['a', 'b'])
BLOCKS = {
  'rows': ROWS,
  'shard_block': ShardBlock(Shard(0, 1), 2, last=True, rows=ROWS),
  'encoded_block': EncodedBlock(
    Shard(0, 1), 2, last=True, encoded=encode_block(ROWS, OutputForm(output_format='parquet')), form=OutputForm()
  ),
}


@pytest.fixture(scope='module', autouse=True)
def coder_of_batches() -> None:
  """As steps that take RecordBatches have it, whatever else registered one."""
  use_for_batches()


@pytest.mark.parametrize('block', BLOCKS.values(), ids=BLOCKS)
def test_a_block_is_the_same_after_it_was_written(block: object) -> None:
  coder = beam.coders.registry.get_coder(type(block))

  assert isinstance(coder, RowsCoder)
  assert coder.decode(coder.encode(block)) == block


@pytest.mark.parametrize('block', BLOCKS.values(), ids=BLOCKS)
def test_a_blocks_size_is_its_rows(block: object) -> None:
  assert 1000 < beam.coders.registry.get_coder(type(block)).estimate_size(block) < 1200


def test_the_graph_knows_which_of_its_elements_have_many_rows() -> None:
  root = beam.Pipeline(runner=FnApiRunner())
  build_graph(root, RunConfig(input=('x',), output='out', run_id='run'))

  proto = root.to_runner_api()

  components = proto.components
  weighed = {
    transform.unique_name
    for transform in components.transforms.values()
    for output in transform.outputs.values()
    if 'RowsCoder' in str(components.coders[components.pcollections[output].coder_id])
  }
  assert {'ReadRows/Read/ParDo(_ReadShard)', 'EncodeExamples/Encode'} <= weighed

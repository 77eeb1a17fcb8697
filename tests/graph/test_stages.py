"""What a runner makes of the graph: its stages, and how many bytes go from one to another. `pytest -s` prints them."""

import collections
import pathlib

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, execution, translations

from beam_taxi.graph.input_steps import ListInput, read_source
from beam_taxi.graph.pipeline import build_graph
from beam_taxi.inputs.input_splits import parse_input_splits
from beam_taxi.settings.config import RunConfig

PHASES = [
  translations.annotate_downstream_side_inputs,
  translations.lift_combiners,
  translations.expand_gbk,
  translations.sink_flattens,
  translations.greedily_fuse,
  translations.sort_stages,
]
URNS = frozenset([common_urns.primitives.GROUP_BY_KEY.urn, common_urns.primitives.FLATTEN.urn])

WAYS: dict[str, dict] = {
  'one_input': {'input': ('{}/in/*.csv',)},
  'parquet': {'input': ('{}/in/*.csv',), 'output_format': 'parquet'},
  'input_in_splits': {'input_splits': ['train={}/in/*.csv', 'eval={}/in/*.csv']},
}


def config_of(folder: pathlib.Path, way: dict, run_id: str, **more: object) -> RunConfig:
  values = {'input': (), **way, 'output': str(folder / 'out'), 'run_id': run_id, 'block_size': 1 << 20, **more}
  values['input'] = tuple(pattern.format(folder) for pattern in values['input'])
  if 'input_splits' in values:
    values['input_splits'] = parse_input_splits([split.format(folder) for split in values['input_splits']])
  return RunConfig(**values)


@pytest.fixture
def crossing(monkeypatch: pytest.MonkeyPatch) -> collections.Counter[str]:
  """How many bytes a runner has taken from one stage to give to others, by PCollection or GroupByKey."""
  taken: collections.Counter[str] = collections.Counter()
  get_buffer = execution.BundleContextManager.get_buffer

  def counting(self: object, buffer_id: bytes, transform_id: str) -> object:
    buffer = get_buffer(self, buffer_id, transform_id)
    append = type(buffer).append

    def count(element: bytes) -> None:
      taken[buffer_id.decode()] += len(element)
      append(buffer, element)

    buffer.append = count
    return buffer

  monkeypatch.setattr(execution.BundleContextManager, 'get_buffer', counting)
  return taken


def write_rows(folder: pathlib.Path, rows: int) -> int:
  """One file of rows that repeat, so that statistics of more of them are no larger; its bytes."""
  (folder / 'in').mkdir(exist_ok=True)
  line = ''.join(f'{n},text of row {n},{n / 7:.6f}\n' for n in range(1000))
  return (folder / 'in' / 'rows.csv').write_text('n,s,x\n' + line * (rows // 1000))


@pytest.mark.parametrize('way', WAYS.values(), ids=WAYS)
def test_no_rows_go_from_one_stage_to_another(
  tmp_path: pathlib.Path, crossing: collections.Counter[str], way: dict
) -> None:
  """Of four times the rows, what the others take is a hundredth of their bytes: their ranges, and no rows."""
  seen = []
  for rows in (50_000, 200_000):
    crossing.clear()
    size = write_rows(tmp_path, rows)
    blocks = {'block_size': size + 1, 'num_shards': 1}
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
      build_graph(pipeline, config_of(tmp_path, way, f'run{rows}', **blocks))
    seen.append((size, sum(crossing.values())))
  for name, taken in crossing.most_common(12):
    print(f'{taken:12,} bytes through {name}')
  (less, few), (size, many) = seen
  print(f'{many:12,} bytes in all, of {size:,} bytes of CSV')
  assert many - few < (size - less) / 100
  assert many < size


def test_rows_that_went_from_one_stage_to_another_would_be_counted(
  tmp_path: pathlib.Path, crossing: collections.Counter[str]
) -> None:
  size = write_rows(tmp_path, 50_000)
  config = config_of(tmp_path, WAYS['one_input'], 'run')
  with beam.Pipeline(runner=FnApiRunner()) as pipeline:
    listing = pipeline | ListInput(config, listed=False)
    read_source(listing, 0, config.input_form, quarantine='').blocks | beam.Reshuffle()

  assert sum(crossing.values()) > 0.5 * size


@pytest.mark.parametrize('record', ['driver', 'graph'])
def test_reading_encoding_writing_and_counting_are_one_stage(tmp_path: pathlib.Path, record: str) -> None:
  pipeline = beam.Pipeline()
  build_graph(pipeline, config_of(tmp_path, WAYS['one_input'], 'r', record=record, metadata='mysql://me@h/d'))
  _, stages = translations.create_and_optimize_stages(pipeline.to_runner_api(), PHASES, URNS)
  named = [[transform.unique_name for transform in stage.transforms] for stage in stages]
  for number, names in enumerate(named):
    print(f'{number:2}', *dict.fromkeys(name.partition('/')[0] for name in names))

  [rows] = [names for names in named if any(name.startswith('EncodeExamples') for name in names)]
  steps = {name.partition('/')[0] for name in rows}
  assert steps >= {'ReadRows', 'EncodeExamples', 'WriteShards', 'GenerateStatistics'}


def test_the_graph_has_no_list_of_files(tmp_path: pathlib.Path) -> None:
  """Files are matched on a worker, so that the graph of a hundred thousand is no larger than that of one."""
  write_rows(tmp_path, 1000)
  sizes = []
  for files in (1, 1000):
    for number in range(files):
      (tmp_path / 'in' / f'rows{number}.csv').touch()
    pipeline = beam.Pipeline()
    build_graph(pipeline, config_of(tmp_path, WAYS['one_input'], 'r'))
    sizes.append(pipeline.to_runner_api().ByteSize())

  # Ids in it differ by a few bytes from one graph to the next.
  # Ids in it differ by some bytes from one graph to the next; the names of these files alone would be 11 kB.
  assert abs(sizes[0] - sizes[1]) < 1000
  assert sizes[1] < 1 << 20

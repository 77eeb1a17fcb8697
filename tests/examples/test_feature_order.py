"""Features stand in an Example as each of protobuf's implementations puts them."""

import base64
import json
import os
import pathlib
import random
import subprocess
import sys
import sysconfig
from collections.abc import Sequence

import pyarrow as pa
import pytest
import tensorflow as tf

from beam_taxi.examples.blocks import encode_block
from beam_taxi.examples.encoding import encode_examples
from beam_taxi.examples.feature_order import FeatureOrder, feature_order
from beam_taxi.examples.output_form import OutputForm
from beam_taxi.examples.splitting import assign_splits

INSTALLED = sysconfig.get_paths()['purelib']
TFXS = pathlib.Path(__file__).parents[2] / 'data' / 'protobuf-3.20'
TFXS_IS_THERE = pytest.mark.skipif(not TFXS.exists(), reason='scripts/fetch_protobuf.py has not been run')

# Builds an Example for each list of names, and prints what protobuf this was and the Examples in hexadecimal.
PROGRAM = """
import base64, json, sys
from google import protobuf
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

asked = json.load(sys.stdin)
pool = descriptor_pool.DescriptorPool()
for file in asked['files']:
  pool.AddSerializedFile(base64.b64decode(file))
descriptor = pool.FindMessageTypeByName('tensorflow.Example')
# The function is not in 3.20, and the method not in 5 and later.
of = getattr(message_factory, 'GetMessageClass', None) or message_factory.MessageFactory(pool).GetPrototype
found = []
for names in asked['names']:
  example = of(descriptor)()
  example.features.SetInParent()
  for number, name in enumerate(names):
    example.features.feature[name].int64_list.value.append(number)
  found.append(example.SerializeToString(deterministic=True).hex())
json.dump([protobuf.__version__, api_implementation.Type(), found], sys.stdout)
"""


def examples_by_protobuf(folder: str, names: Sequence[Sequence[str]], **environment: str) -> tuple[str, str, list[str]]:
  """The version and implementation of the protobuf in a folder, and one Example of each list of names."""
  of_features = tf.train.Features.DESCRIPTOR.file.serialized_pb
  of_examples = tf.train.Example.DESCRIPTOR.file.serialized_pb
  files = [base64.b64encode(file).decode() for file in (of_features, of_examples)]
  environment = {**os.environ, 'PYTHONPATH': folder, **environment}
  # Without site, so that there is no other protobuf.
  done = subprocess.run(
    [sys.executable, '-S', '-c', PROGRAM],
    input=json.dumps({'files': files, 'names': names}),
    env=environment,
    text=True,
    stdout=subprocess.PIPE,
    check=True,
  )
  version, implementation, found = json.loads(done.stdout)
  return version, implementation, found


def names_that_begin_others() -> list[list[str]]:
  """Lists of names, most of which begin others; always the same ones."""
  drawn = random.Random(3)
  alphabet = ['a', 'b', '_', 'B', '\0', '\x7f', 'é', '～', '𝟙']
  lists = [['trip', 'trip_start', 'tri', 'trip_end', 'trip_', ''], ['～', '𝟙', 'é'], ['b', 'B', 'a', 'é']]
  for _ in range(200):
    lists.append(
      list({''.join(drawn.choices(alphabet[: drawn.randint(1, 9)], k=drawn.randint(0, 4))) for _ in range(9)})
    )
  return [sorted(each) for each in lists]


@pytest.mark.parametrize(
  ('name', 'order'), [('upb', 'upb'), ('python', 'plain'), pytest.param('3.20', 'plain', marks=TFXS_IS_THERE)]
)
def test_features_stand_as_this_protobuf_puts_them(name: str, order: FeatureOrder) -> None:
  lists = names_that_begin_others()
  environment = {} if name == '3.20' else {'PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION': name}

  version, implementation, expected = examples_by_protobuf(
    str(TFXS) if name == '3.20' else INSTALLED, lists, **environment
  )

  assert name in (implementation, version.rpartition('.')[0])
  for names, example in zip(lists, expected, strict=True):
    batch = pa.RecordBatch.from_arrays([pa.array([number]) for number in range(len(names))], names=names)
    assert encode_examples(batch, 'empty', order=order).to_pylist() == [bytes.fromhex(example)]


@pytest.mark.parametrize(('rule', 'expected'), [('upb', ['ab', 'a', 'b']), ('plain', ['a', 'ab', 'b'])])
def test_only_names_that_begin_others_stand_elsewhere(rule: FeatureOrder, expected: list[str]) -> None:
  names = ['b', 'a', 'ab']

  assert [names[index] for index in feature_order(names, rule)] == expected
  assert feature_order(['c', 'b', 'a'], rule) == [2, 1, 0]


@pytest.mark.parametrize('output_format', ['tfrecord', 'parquet'])
def test_splits_by_hash_go_by_the_order_of_features(output_format: str) -> None:
  rows = pa.RecordBatch.from_arrays([pa.array(range(300)), pa.array(range(300))], names=['a', 'ab'])
  found = {}
  for order in ('upb', 'plain'):
    form = OutputForm(feature_order=order, output_format=output_format)
    chosen = assign_splits(encode_examples(rows, 'empty', order=order).to_pylist(), form.splits)
    found[order] = encode_block(rows, form).rows(0)
    assert found[order] == rows.filter(pa.array(chosen == 0))

  assert found['upb'] != found['plain']

"""CSV to tf.Examples, statistics, schema and recorded lineage: `python main.py --help` says how."""

from beam_taxi.cli._main import command

if __name__ == '__main__':
  command()

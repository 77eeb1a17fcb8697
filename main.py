"""CSV to tf.Examples, statistics, schema and recorded lineage: `python main.py --help` says how."""

from beam_taxi.cli._main import main

if __name__ == '__main__':
  main()

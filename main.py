"""CSV to tf.Examples, statistics, schema and recorded lineage: `python main.py --help` says how."""

import sys

from beam_taxi.cli import main

if __name__ == '__main__':
  sys.exit(main())

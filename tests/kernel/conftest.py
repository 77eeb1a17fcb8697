"""Where the compiled kernel is not to be used, there is nothing to compare."""

import os

collect_ignore = ['test_csv.py', 'test_examples.py'] if os.environ.get('BEAM_TAXI_KERNEL') == 'python' else []

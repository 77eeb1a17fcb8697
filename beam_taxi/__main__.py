"""`python -m beam_taxi`, which is `python main.py`."""

import sys

from beam_taxi.cli import main

sys.exit(main())

"""`python -m beam_taxi`, which is `python main.py`."""

from beam_taxi.cli._main import command

command()

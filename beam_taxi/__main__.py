"""`python -m beam_taxi` and `beam-taxi`, which are `python main.py`."""

from beam_taxi.cli._main import command

if __name__ == '__main__':
  command()

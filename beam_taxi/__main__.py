"""`python -m beam_taxi`, which is `python main.py`."""

from beam_taxi.cli._main import main

if __name__ == '__main__':
  main()

"""For Beam: `python setup.py sdist` makes what it ships to workers. What the package is stands in pyproject.toml."""

from setuptools import setup

setup()

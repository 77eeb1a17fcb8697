"""For Beam: `python setup.py sdist` makes what it ships to workers. What the package is stands in pyproject.toml.

The kernel is optional: where it cannot be compiled, the package is installed without it and does its work in Python.
"""

import glob
import os
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class _BuildKernel(build_ext):
  def run(self) -> None:
    super().run()
    # An optional extension that failed to build is only missing.
    if not all(map(os.path.exists, self.get_outputs())):
      print('beam_taxi: no C++17 compiler works here, so its kernel is Python, and slower', file=sys.stderr)


_KERNEL = Extension(
  'beam_taxi.kernel._kernel',
  sources=sorted(glob.glob('beam_taxi/kernel/source/*.cc')),
  depends=sorted(glob.glob('beam_taxi/kernel/source/*.h')),
  language='c++',
  extra_compile_args=['-std=c++17', '-O2', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wconversion', '-Wshadow'],
  extra_link_args=['-s'],
  # It uses nothing of Python's at all, so one build is right for every release.
  py_limited_api=True,
  optional=True,
)

setup(
  ext_modules=[_KERNEL],
  cmdclass={'build_ext': _BuildKernel},
  options={'bdist_wheel': {'py_limited_api': 'cp310'}},
)

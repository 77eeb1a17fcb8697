"""The package, as pip installs it and as Beam ships it to remote workers."""

from setuptools import find_packages, setup

setup(
  name='beam_taxi',
  version='0.1.0',
  description='Taxi trips from CSV to tf.Examples, statistics, schema and ML Metadata, in Beam',
  license='Apache-2.0',
  license_files=['LICENSE'],
  packages=find_packages(include=['beam_taxi', 'beam_taxi.*']),
  package_data={'beam_taxi.show.html': ['templates/*.html', 'assets/*.css', 'assets/*.js']},
  python_requires='>=3.10,<3.14',
  # From the compatible stack to the current one; requirements/ pins both.
  install_requires=[
    'apache-beam[gcp]>=2.72,<3',
    # tfx-bsl 1.16 imports dill without declaring it.
    'dill',
    'google-auth',
    # Without it Beam checksums TFRecords in Python.
    'google-crc32c',
    'isal',
    'jinja2',
    'ml-metadata>=1.17.1,<2',
    'numpy>=1.26',
    'pandas>=1.5',
    'protobuf>=4.25',
    'pyarrow>=10.0.1',
    # Says why a MySQL server refuses, which MLMD leaves out.
    'pymysql',
    'requests',
    'rich',
    'tenacity',
    'tensorflow>=2.16.2,<3',
    'tensorflow-data-validation>=1.16.1,<2',
    'tensorflow-metadata>=1.16.1,<2',
    'tfx-bsl>=1.16.1,<2',
    # Has Vega-Lite in it, with which the report draws.
    'vl-convert-python',
  ],
)

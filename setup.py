from setuptools import find_packages, setup
setup(name='beam_taxi', version='0.1.0', packages=find_packages(include=['beam_taxi','beam_taxi.*']))

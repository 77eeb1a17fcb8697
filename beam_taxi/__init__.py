"""CSV to tf.Examples, statistics, a schema and recorded lineage, in one Apache Beam graph."""

import os
import warnings

__version__ = '0.1.0'

# TensorFlow writes about CUDA, oneDNN and CPU features to stderr when it is imported, on machines where none of that
# matters here. Its own errors still show, and whoever has set the variable keeps their choice.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

# Each Google Cloud client warns, when Beam imports it, of a Python version whose support ends in some year to come.
warnings.filterwarnings('ignore', message='You are using a Python version', category=FutureWarning)

"""Inputs to typed Arrow RecordBatches: what every kind of input gives (`reading.InputReader`), and a package for each kind.

Plain functions over bytes and small frozen values. Nothing here knows of Beam's graph, of tf.Examples or of metadata.
"""

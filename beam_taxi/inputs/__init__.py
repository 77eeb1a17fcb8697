"""Inputs to typed Arrow RecordBatches: what a reader of every kind gives, and a package for each kind.

Plain functions over bytes and small frozen values. Nothing here knows of Beam's graph, of tf.Examples or of metadata.
"""

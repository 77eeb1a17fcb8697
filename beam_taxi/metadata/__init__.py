"""ML Metadata: connecting to a store, the types that are written, recording a run, asking about runs.

Plain functions over a store and small frozen values. Nothing here knows of Beam, of CSV or of tf.Examples.
"""

"""RecordBatches to tf.Examples in TFRecord shards: encoding, splits, framing, files.

Plain functions over Arrow arrays and small frozen values. Nothing here knows of Beam's graph, of CSV or of metadata.
"""

"""RecordBatches to tf.Examples in TFRecord shards, or to Parquet, and back: encoding, splits, framing, files, reading.

Plain functions over Arrow arrays and small frozen values. Nothing here knows of Beam's graph, of CSV or of metadata.
"""

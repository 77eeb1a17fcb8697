"""CSV files to typed Arrow RecordBatches: headers, ranges, record boundaries, column types, decoding.

Plain functions over bytes and small frozen values. Nothing here knows of Beam's graph, of tf.Examples or of metadata.
"""

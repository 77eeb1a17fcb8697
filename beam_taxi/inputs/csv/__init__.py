"""CSV files to typed Arrow RecordBatches: matching, planning, record boundaries, column types, decoding.

Plain functions over bytes and small frozen values. Nothing here knows of Beam's graph, of tf.Examples or of metadata.
"""

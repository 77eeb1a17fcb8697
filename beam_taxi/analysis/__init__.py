"""Statistics and schema: making them with TensorFlow Data Validation, and reading and comparing what it made.

TFDV takes seconds to import. Only `statistics` and `schema` do, which make what the others read.
"""

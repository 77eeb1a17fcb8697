"""DuckDB's SUMMARIZE of a CSV file, the statistics that a data engineer gets in one line.

summarize_csv.py FILE CORES
"""

import sys

import duckdb


def main() -> None:
  path, cores = sys.argv[1:]
  connection = duckdb.connect(config={'threads': int(cores)})
  print(connection.execute('SUMMARIZE SELECT * FROM read_csv(?)', [path]).fetchall())


if __name__ == '__main__':
  main()

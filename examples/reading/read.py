"""A table read by pandas (through pyiceberg) and by DuckDB. usage: read.py <directory>"""

import glob
import re
import sys

from pyiceberg.table import StaticTable

root = sys.argv[1]


def newest(root: str) -> str:
    """The metadata file with the highest version; on S3, list the same prefix."""
    files = glob.glob(f"{root}/metadata/v*.metadata.json")
    return max(files, key=lambda path: int(re.search(r"v(\d+)\.metadata", path).group(1)))


table = StaticTable.from_metadata(newest(root))
frame = table.scan(row_filter="state == 'success'", selected_fields=("task", "seconds")).to_pandas()
print("pandas", frame.groupby("task")["seconds"].max().to_dict())

import duckdb  # noqa: E402
import duckdb_extension_avro, duckdb_extension_iceberg  # noqa: E402, E401, F401  (wheels that carry the extensions)

connection = duckdb.connect()
for module in (duckdb_extension_avro, duckdb_extension_iceberg):
    folder = module.__path__[0]
    [path] = glob.glob(f"{folder}/**/*.duckdb_extension", recursive=True)
    connection.execute(f"LOAD '{path}'")
rows = connection.execute(
    f"SELECT task, max(seconds) FROM iceberg_scan('{root}') WHERE state = 'success' GROUP BY task ORDER BY task"
).fetchall()
print("duckdb", dict(rows))

"""One warm pyiceberg writer with a SQLite catalog, two longs per append. Prints the milliseconds of each append as JSON."""

import json
import os
import sys
import tempfile
import time

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

warehouse, count = sys.argv[1], int(sys.argv[2])
catalog = SqlCatalog(
    "bench",
    uri=f"sqlite:///{tempfile.mkdtemp()}/catalog.db",
    warehouse=warehouse,
    **{
        "s3.endpoint": os.environ["AWS_ENDPOINT_URL_S3"],
        "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
        "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "s3.region": os.environ["AWS_REGION"],
    },
)
catalog.create_namespace("bench")
schema = Schema(
    NestedField(1, "a", LongType(), required=True),
    NestedField(2, "b", LongType(), required=True),
)
table = catalog.create_table("bench.t", schema)
row = pa.table({"a": [1], "b": [2]}, schema=schema.as_arrow())
for _ in range(3):
    table.append(row)
print("warm", file=sys.stderr, flush=True)
times = []
for _ in range(count):
    started = time.perf_counter()
    table.append(row)
    times.append((time.perf_counter() - started) * 1000)
print(json.dumps(times))

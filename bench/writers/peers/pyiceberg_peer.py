"""pyiceberg with a SQLite catalog. It does not repeat a commit that lost, so its caller does: up to 30 times."""

import client
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

RETRIES = 30
NAME = "bench.t"
SCHEMA = Schema(NestedField(1, "a", LongType(), required=True), NestedField(2, "b", LongType(), required=True))


def catalog():
    s3 = client.s3_environment()
    return SqlCatalog(
        "bench",
        uri=f"sqlite:///{client.scratch}/catalog.db",
        warehouse=client.location,
        **{
            "s3.endpoint": s3["endpoint"],
            "s3.access-key-id": s3["key"],
            "s3.secret-access-key": s3["secret"],
            "s3.region": s3["region"],
        },
    )


def create():
    made = catalog()
    made.create_namespace("bench")
    made.create_table(NAME, SCHEMA, location=client.location)


def open_table():
    table = catalog().load_table(NAME)

    def append(a, b):
        row = pa.table({"a": [a], "b": [b]}, schema=SCHEMA.as_arrow())
        for tries in range(RETRIES + 1):
            try:
                return table.append(row)
            except CommitFailedException:
                if tries == RETRIES:
                    raise
                table.refresh()

    return append


def read():
    rows = catalog().load_table(NAME).scan().to_arrow()
    return list(zip(rows["a"].to_pylist(), rows["b"].to_pylist()))


client.main(create, open_table, read)

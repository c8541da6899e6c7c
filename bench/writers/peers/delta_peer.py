"""delta-rs (`deltalake`): commits by conditional creates of log entries."""

import client
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

SCHEMA = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.int64(), nullable=False)])


def options():
    s3 = client.s3_environment()
    return {
        "AWS_ENDPOINT_URL": s3["endpoint"],
        "AWS_ACCESS_KEY_ID": s3["key"],
        "AWS_SECRET_ACCESS_KEY": s3["secret"],
        "AWS_REGION": s3["region"],
        "AWS_ALLOW_HTTP": "true",
        "aws_conditional_put": "etag",
    }


def create():
    write_deltalake(client.location, SCHEMA.empty_table(), storage_options=options())


def open_table():
    table = DeltaTable(client.location, storage_options=options())

    def append(a, b):
        write_deltalake(table, pa.table({"a": [a], "b": [b]}, schema=SCHEMA), mode="append")

    return append


def read():
    rows = DeltaTable(client.location, storage_options=options()).to_pyarrow_table()
    return list(zip(rows["a"].to_pylist(), rows["b"].to_pylist()))


client.main(create, open_table, read)

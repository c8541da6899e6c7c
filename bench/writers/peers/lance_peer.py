"""Lance (`pylance`): commits by conditional creates of manifests."""

import client
import lance
import pyarrow as pa

SCHEMA = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.int64(), nullable=False)])


def options():
    s3 = client.s3_environment()
    return {
        "aws_endpoint": s3["endpoint"],
        "aws_access_key_id": s3["key"],
        "aws_secret_access_key": s3["secret"],
        "aws_region": s3["region"],
        "allow_http": "true",
    }


def create():
    lance.write_dataset(SCHEMA.empty_table(), client.location, storage_options=options())


def open_table():
    dataset = lance.dataset(client.location, storage_options=options())

    def append(a, b):
        dataset.insert(pa.table({"a": [a], "b": [b]}, schema=SCHEMA), mode="append")

    return append


def read():
    rows = lance.dataset(client.location, storage_options=options()).to_table()
    return list(zip(rows["a"].to_pylist(), rows["b"].to_pylist()))


client.main(create, open_table, read)

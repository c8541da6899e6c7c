"""One million task logs by pyiceberg: rows to Arrow to the table, back to Arrow and to rows. Prints JSON."""

import json
import random
import resource
import shutil
import sys
import time
from datetime import datetime, timedelta, timezone

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

location, count = sys.argv[1], int(sys.argv[2])
shutil.rmtree(location, ignore_errors=True)
random.seed(1)
start = datetime(2026, 1, 1, tzinfo=timezone.utc)
statuses = ["success", "success", "success", "failed", "running", "skipped"]
errors = ["timeout after 30 s", "connection reset by peer", "out of memory", "assertion failed: expected 3, got 4"]


def task_log(index):
    mixed = random.getrandbits(32)
    status = statuses[mixed % 6]
    started = start + timedelta(milliseconds=37 * index)
    return {
        "task_id": f"task-{index:010x}",
        "workflow_id": f"workflow-{mixed % 1000}",
        "status": status,
        "started_at": started,
        "completed_at": started + timedelta(milliseconds=mixed % 600_000),
        "duration_ms": mixed % 600_000,
        "error_message": errors[mixed % 4] if status == "failed" else None,
        "worker_id": f"worker-{mixed % 64}.eu-central-1.compute.internal",
    }


schema = Schema(
    NestedField(1, "task_id", StringType(), required=True),
    NestedField(2, "workflow_id", StringType(), required=True),
    NestedField(3, "status", StringType(), required=True),
    NestedField(4, "started_at", TimestamptzType(), required=True),
    NestedField(5, "completed_at", TimestamptzType()),
    NestedField(6, "duration_ms", LongType()),
    NestedField(7, "error_message", StringType()),
    NestedField(8, "worker_id", StringType()),
)
rows = [task_log(index) for index in range(count)]
import os  # noqa: E402

os.makedirs(location)
catalog = SqlCatalog("bench", uri=f"sqlite:///{location}/catalog.db", warehouse=f"file://{location}/warehouse")
catalog.create_namespace("bench")
table = catalog.create_table("bench.t", schema)
started = time.perf_counter()
table.append(pa.Table.from_pylist(rows, schema=schema.as_arrow()))
append_ms = (time.perf_counter() - started) * 1000
started = time.perf_counter()
arrow = table.scan().to_arrow()
read_arrow_ms = (time.perf_counter() - started) * 1000
started = time.perf_counter()
back = table.scan().to_arrow().to_pylist()
read_rows_ms = (time.perf_counter() - started) * 1000
assert len(back) == count and arrow.num_rows == count
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(
    json.dumps(
        {
            "appendMs": round(append_ms),
            "readArrowMs": round(read_arrow_ms),
            "readRowsMs": round(read_rows_ms),
            "peakMb": peak,
        }
    )
)

"""One million task logs by pyiceberg, `append` or `read-arrow` or `read-rows` of a table in a directory. Prints JSON."""

import glob
import json
import os
import random
import resource
import shutil
import statistics
import sys
import time
from datetime import datetime, timedelta, timezone

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType

location, mode, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
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


def append():
    from pyiceberg.catalog.sql import SqlCatalog  # Readers do not pay for it.

    shutil.rmtree(location, ignore_errors=True)
    rows = [task_log(index) for index in range(count)]
    os.makedirs(location)
    catalog = SqlCatalog("bench", uri=f"sqlite:///{location}/catalog.db", warehouse=f"file://{location}/warehouse")
    catalog.create_namespace("bench")
    table = catalog.create_table("bench.t", schema)
    started = time.perf_counter()
    table.append(pa.Table.from_pylist(rows, schema=schema.as_arrow()))
    return {"appendMs": round((time.perf_counter() - started) * 1000)}


def read():
    newest = max(glob.glob(f"{location}/metadata/v*.metadata.json"), key=os.path.getmtime)
    table = StaticTable.from_metadata(f"file://{newest}")
    times = []
    for _ in range(4):
        started = time.perf_counter()
        arrow = table.scan().to_arrow()
        found = arrow.num_rows if mode == "read-arrow" else len(arrow.to_pylist())
        times.append(round((time.perf_counter() - started) * 1000))
        if len(times) == 1:
            from_start = round(time.time() * 1000 - float(os.environ["BENCH_STARTED_MS"]))
        assert found == count
    return {"fromStartMs": from_start, "firstMs": times[0], "thenMs": statistics.median(times[1:])}


figures = append() if mode == "append" else read()
figures["peakMb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(figures))

"""What the Python peers have in common: threads, each with a table of its own, that append rows of two longs. See ../job.ts for the words."""

import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

job = json.loads(sys.argv[1])
location = job["location"]
scratch = job["scratch"]
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # libraries print what they like


def say(message):
    print(json.dumps(message), file=answers, flush=True)


def end_with_parent():
    for _ in sys.stdin:
        pass
    os._exit(1)


def s3_environment():
    return {
        "endpoint": os.environ["AWS_ENDPOINT_URL_S3"],
        "key": os.environ["AWS_ACCESS_KEY_ID"],
        "secret": os.environ["AWS_SECRET_ACCESS_KEY"],
        "region": os.environ["AWS_REGION"],
    }


def main(create, open_table, read):
    """`create()`; `open_table()` gives a function that appends the row (a, b); `read()` gives all rows as pairs."""
    if job["action"] == "create":
        create()
        say({"created": True})
    elif job["action"] == "read":
        say({"rows": read()})
    else:
        run(open_table)
    os._exit(0)


def run(open_table):
    times, failures = [], []

    def warm(writer):
        append = open_table()
        for i in range(1, job["warm"] + 1):
            try:
                append(writer, -i)
            except Exception:  # warming up is not measured, only judged by the rows that are there
                pass
        return append

    def measured(writer, append):
        for i in range(job["appends"]):
            started = time.perf_counter()
            try:
                append(writer, i)
                times.append((time.perf_counter() - started) * 1000)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {str(error)[:200]}")

    writers = range(job["firstWriter"], job["firstWriter"] + job["writers"])
    with ThreadPoolExecutor(len(writers)) as pool:
        appends = list(pool.map(warm, writers))
        say({"ready": True})
        sys.stdin.readline()
        threading.Thread(target=end_with_parent, daemon=True).start()
        cpu = time.process_time()
        list(pool.map(measured, writers, appends))
        cpu = time.process_time() - cpu
    report = {"times": times, "failed": len(failures), "cpuSeconds": cpu}
    say({"report": report | ({"failure": failures[0]} if failures else {})})

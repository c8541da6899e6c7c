"""One engine as a judge of tables: JSON requests on stdin, one per line, and one line of JSON back for each. See judges.ts for both."""

import json
import os
import sys

from canonical import rows_of
from engines import ENGINES
from location import Location


def answer(read, request):
    try:
        location = Location(request)
        table = read(request, location)
        return {"rows": rows_of(table, location.schema(request.get("snapshotId")))}
    except Exception as error:  # whatever an engine throws is its verdict
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    # Engines and their JVMs print what they like: the real stdout is set aside for answers, and theirs goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        read = ENGINES[sys.argv[1]]()
    except Exception as error:
        print(json.dumps({"unavailable": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
        return
    print(json.dumps({"ready": sys.argv[1]}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(read, json.loads(line))), file=answers, flush=True)


main()

#!/bin/sh
# Makes the bucket of the example in the MinIO of compose.minio.yaml.
set -eu
mc alias set local http://minio:9000 datashard-local datashard-local-secret
mc mb --ignore-existing local/dev

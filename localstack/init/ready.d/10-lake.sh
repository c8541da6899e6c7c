#!/usr/bin/env bash
# Bucket, queue with dead letters, function and its URL, as the CDK stack has them. Runs inside LocalStack when it is ready; elsewhere
# `AWS="aws --endpoint-url http://..."` and `FUNCTION=directory` make it run against any other emulator.
set -euo pipefail

AWS=${AWS:-awslocal}
FUNCTION=${FUNCTION:-/opt/function}

$AWS s3api create-bucket --bucket dev
dead=$($AWS sqs create-queue --queue-name events-dead --query QueueUrl --output text)
dead_arn=$($AWS sqs get-queue-attributes --queue-url "$dead" --attribute-names QueueArn --query Attributes.QueueArn --output text)
attributes=$(printf '{"VisibilityTimeout":"360","RedrivePolicy":"{\\"deadLetterTargetArn\\":\\"%s\\",\\"maxReceiveCount\\":\\"5\\"}"}' "$dead_arn")
queue=$($AWS sqs create-queue --queue-name events --attributes "$attributes" --query QueueUrl --output text)
queue_arn=$($AWS sqs get-queue-attributes --queue-url "$queue" --attribute-names QueueArn --query Attributes.QueueArn --output text)

zip=$(mktemp -d)/function.zip
python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1][:-4], "zip", sys.argv[2])' "$zip" "$FUNCTION"
role=$($AWS iam create-role --role-name lake-ingest --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}' --query Role.Arn --output text)
$AWS lambda create-function --function-name lake-ingest --runtime nodejs22.x --handler index.handler --timeout 60 --memory-size 1024 \
  --role "$role" --zip-file "fileb://$zip" --environment 'Variables={DATASHARD_PLACE=aws,DATASHARD_LOCATION=s3://dev/events}' >/dev/null
$AWS lambda create-event-source-mapping --function-name lake-ingest --event-source-arn "$queue_arn" --batch-size 10 \
  --function-response-types ReportBatchItemFailures >/dev/null
$AWS lambda create-function-url-config --function-name lake-ingest --auth-type NONE --query FunctionUrl --output text
echo "queue $queue"

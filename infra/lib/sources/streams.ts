/** Kinesis and DynamoDB: shards, each in order. */
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, KinesisEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { batching } from './context.ts'
import type { IngestContext } from './context.ts'
import type { Source } from './source.ts'

const RETRIES = 10

/** Ordered sources give up a batch after some tries, whole, and say which. */
export function ordered(props: IngestContext, deadLetters: Queue) {
  return {
    ...batching(props),
    startingPosition: StartingPosition.TRIM_HORIZON,
    retryAttempts: RETRIES,
    // A batch that comes again in halves is not the batch that its claim names (docs/lambda.md), and the answer names bad records anyway.
    bisectBatchOnError: false,
    onFailure: new SqsDlq(deadLetters),
  }
}

export function connectStream(
  source: Extract<Source, { kind: 'kinesis' | 'dynamodb' }>,
  props: IngestContext,
  { lambda, deadLetters }: { readonly lambda: LambdaFunction; readonly deadLetters: Queue },
): void {
  const how = ordered(props, deadLetters)
  lambda.addEventSource(
    source.kind === 'kinesis' ? new KinesisEventSource(source.stream, how) : new DynamoEventSource(source.table, how),
  )
}

import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { EventPattern, IEventBus } from 'aws-cdk-lib/aws-events'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'

/**
 * Where the records of an ingest function come from.
 *
 * Topics and buses go through a queue, because a function called directly by them gets one event at a time, and an append of
 * a thousand rows costs what an append of one does.
 */
export type Source =
  /** SQS: a queue given, or made. With one that is given, its redrive policy is its owner's. */
  | { readonly kind: 'queue'; readonly queue?: IQueue }
  | { readonly kind: 'kinesis'; readonly stream: IStream }
  /** The changes of a DynamoDB table that has a stream. */
  | { readonly kind: 'dynamodb'; readonly table: ITable }
  /** SNS. A body is the message as it was published. */
  | { readonly kind: 'topic'; readonly topic: ITopic }
  /** EventBridge. A body is the event's `detail`. */
  | { readonly kind: 'events'; readonly pattern: EventPattern; readonly bus?: IEventBus }
  /** HTTP. Default: requests signed by an identity of AWS. */
  | { readonly kind: 'url'; readonly authType?: FunctionUrlAuthType }

export interface IngestProps {
  readonly source: Source
  /** Path of a file that exports `handler`. Default: each record's body is a row. */
  readonly entry?: string
  /**
   * Of the handler that comes with the constructs. `exactly-once` (default) costs a request per message of a queue, one per batch of a
   * stream; with `at-least-once` what is delivered again can be in the table again.
   */
  readonly delivery?: 'exactly-once' | 'at-least-once'
  /** MiB. Default 1024. */
  readonly memoryMiB?: number
  /** Seconds. Default 60. */
  readonly timeoutSeconds?: number
  /** Records per invocation at most. Default 1,000; Lambda also ends a batch at 6 MB. */
  readonly batchSize?: number
  /** How long records are gathered, seconds: latency for money. Default 5. */
  readonly batchWindowSeconds?: number
  /** More environment variables. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What a record is, whatever source it comes from. */

/** Where events come from. */
export type SourceName =
  | 'sqs'
  | 'kinesis'
  | 'dynamodb'
  | 'eventbridge'
  | 'sns'
  | 's3'
  | 'kafka'
  | 'http'
  | 'firehose'
  | 'direct'

// JSON of a shape that only the user knows: `unknown` would make every `map` begin with a cast. A `schema` types it.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyBody = any

/** One record of an event. */
export interface SourceRecord<Body = AnyBody> {
  readonly source: SourceName
  /**
   * The source's own identity of the record: message id (SQS, SNS), shard and sequence number (Kinesis), event id (DynamoDB,
   * EventBridge), `topic-partition@offset` (Kafka), `bucket/key@version#line` (S3; in
   * JSON arrays and Parquet the number of the row), record id (Firehose), and for HTTP and
   * direct invocation the idempotency key or request id with `#index`.
   */
  readonly id: string
  /** When the source took it, as far as the event says; else now. */
  readonly time: Date
  /**
   * The parsed JSON; text when it is not JSON. Integers beyond 2^53 are bigints. DynamoDB: `{ eventName, keys, newImage,
   * oldImage }`, unmarshalled. Kafka: the value. EventBridge: the detail. S3: one row of the object.
   */
  readonly body: Body
  /** The record as the event has it; for S3 the notification. */
  readonly raw: unknown
}

/** A row to be appended. */
export type LambdaRow = Readonly<Record<string, unknown>>

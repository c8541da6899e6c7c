import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { EventPattern, IEventBus } from 'aws-cdk-lib/aws-events'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
import type { AuthenticationMethod } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'

/**
 * Where the records of an ingest function come from.
 *
 * Topics, buses and buckets go through a queue, because a function called directly by them gets one event at a time, and an append of
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
  | ObjectSource
  | MskSource
  | KafkaSource
  | FirehoseSource
  /** HTTP. Default: requests signed by an identity of AWS. */
  | { readonly kind: 'url'; readonly authType?: FunctionUrlAuthType }

/**
 * New objects of a bucket: their rows (NDJSON, JSON, CSV, Parquet) go to the table. The bucket tells EventBridge, which is switched on for a
 * bucket of this app; a bucket that is made elsewhere has to have it on.
 */
export interface ObjectSource {
  readonly kind: 's3'
  readonly bucket: IBucket
  /** Only keys that begin so: `in/`. Default: all. The function may read what begins so, and nothing else of the bucket. */
  readonly prefix?: string
  /** Only keys that end so: `.ndjson`. Default: all. */
  readonly suffix?: string
}

interface Topics {
  readonly topic: string
  /** Default: one that is made of the construct's path. It cannot be changed afterwards. */
  readonly consumerGroupId?: string
  /** Pollers of Lambda, each of them paid by the hour. Default: 1 to 4. */
  readonly pollers?: { readonly minimum: number; readonly maximum: number }
}

/** Kafka of MSK. Without a secret the function's role is what it authenticates with (IAM), or nothing where the cluster asks for nothing. */
export interface MskSource extends Topics {
  readonly kind: 'msk'
  readonly clusterArn: string
  /** User and password for SASL/SCRAM. */
  readonly secret?: ISecret
}

/** Kafka elsewhere: brokers in the internet with a secret, or in a network of the account. */
export interface KafkaSource extends Topics {
  readonly kind: 'kafka'
  /** `broker-1.example.com:9092`. */
  readonly bootstrapServers: readonly string[]
  readonly secret?: ISecret
  /** What the secret is for. Default: SASL/SCRAM with SHA-512. */
  readonly authenticationMethod?: AuthenticationMethod
  /** The certificate that signs those of the brokers, if no public one does. */
  readonly rootCACertificate?: ISecret
  readonly network?: { readonly vpc: IVpc; readonly subnets: SubnetSelection; readonly securityGroup: ISecurityGroup }
}

/** A delivery stream of Firehose, made here, with the function as its transformation. */
export interface FirehoseSource {
  readonly kind: 'firehose'
  /** Where the stream puts what could not be appended, and with `keep` the rest. Default: the lake's bucket. */
  readonly bucket?: IBucket
  /** Of its keys there. Default `firehose/` and the names of table and source. */
  readonly prefix?: string
  /** What else it keeps there. `nothing` (default): rows are in the table, and only there. `records`: also as they came, under `records/`. */
  readonly keep?: 'nothing' | 'records'
}

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
  /** Seconds. Default 60; for objects of a bucket 300. */
  readonly timeoutSeconds?: number
  /**
   * Records per invocation at most. Default 1,000; Lambda also ends a batch at 6 MB. For objects of a bucket, one append each, 10. Firehose
   * counts by the byte: it has no such setting.
   */
  readonly batchSize?: number
  /** How long records are gathered, seconds: latency for money. Default 5. */
  readonly batchWindowSeconds?: number
  /** More environment variables. */
  readonly environment?: Readonly<Record<string, string>>
}

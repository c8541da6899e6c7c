/** What every source needs to know to be connected to its function. */
import { Duration, Validations } from 'aws-cdk-lib'
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { acknowledgeWildcards, encryptingWildcards } from '../nag.ts'
import type { IngestProps, Source } from './source.ts'

const DEFAULT_BATCH = 1000
/** Objects are appended one after the other, and a function has 15 minutes at most. */
const DEFAULT_OBJECT_BATCH = 10
const DEFAULT_WINDOW_SECONDS = 5
const KEEP_DAYS = 14

export interface IngestContext extends IngestProps {
  readonly location: string
  readonly writer: IManagedPolicy
  readonly encryptionKey?: IKey | undefined
  /** The bucket of the lake. */
  readonly bucket: IBucket
}

/** How the event source mappings of all sources gather records. */
export function batching(props: IngestProps) {
  return {
    batchSize: props.batchSize ?? (props.source.kind === 's3' ? DEFAULT_OBJECT_BATCH : DEFAULT_BATCH),
    maxBatchingWindow: Duration.seconds(windowSeconds(props)),
    // Only what was not committed comes again.
    reportBatchItemFailures: true,
  }
}

export function windowSeconds(props: IngestProps): number {
  return props.batchWindowSeconds ?? DEFAULT_WINDOW_SECONDS
}

export function newQueue(scope: Construct, id: string, encryptionKey: IKey | undefined, more: object = {}): Queue {
  return new Queue(scope, id, {
    enforceSSL: true,
    retentionPeriod: Duration.days(KEEP_DAYS),
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    ...more,
  })
}

/** The queue of what a source gave up. */
export function newDeadLetters(scope: Construct, encryptionKey: IKey | undefined): Queue {
  const deadLetters = newQueue(scope, 'DeadLetters', encryptionKey)
  const reason = 'it is where a stream or a queue puts what was given up; nothing takes from it but people'
  Validations.of(deadLetters).acknowledge({ id: 'AwsSolutions-SQS3', reason })
  return deadLetters
}

/** Why a right of a source's has no narrower resource, where it has none. */
const NO_RESOURCES: Partial<Record<Source['kind'], string>> = {
  dynamodb: 'dynamodb:ListStreams knows no resources',
  msk: 'network interfaces are made and described before they have names',
  kafka: 'network interfaces are made and described before they have names',
}

/** What CDK grants of itself, and what a source cannot do without. */
export function acknowledgeRights(kind: Source['kind'], lambda: LambdaFunction): void {
  const noResources = NO_RESOURCES[kind]
  if (!lambda.role) return
  acknowledgeWildcards(lambda.role, {
    ...encryptingWildcards('CDK grants it with the right to send to the dead letters, on their key only'),
    ...(noResources === undefined ? {} : { 'Resource::*': noResources }),
  })
}

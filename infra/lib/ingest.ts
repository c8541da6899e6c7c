import { CfnOutput, Duration, Validations } from 'aws-cdk-lib'
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { FunctionUrlAuthType, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import type { Function as LambdaFunction, FunctionUrl } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, KinesisEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { ownFunction } from './bundle.ts'
import { lakeFunction } from './lake-function.ts'
import type { IngestProps, Source } from './source.ts'

const DEFAULT_MEMORY_MIB = 1024
const DEFAULT_TIMEOUT_SECONDS = 60
const DEFAULT_BATCH = 1000
const DEFAULT_WINDOW_SECONDS = 5
/** A record that fails so often is not going to succeed; the dead-letter queue keeps it for people. */
const MAX_RECEIVES = 5
const STREAM_RETRIES = 10
const MAX_CONCURRENCY = 50
/** AWS advises six times the function's timeout, so that throttled batches do not come back while they are retried. */
const VISIBILITY_TIMEOUTS = 6

interface IngestContext extends IngestProps {
  readonly location: string
  readonly writer: IManagedPolicy
  readonly encryptionKey?: IKey | undefined
}

/** One function that appends what one source brings, and the queue of what it could not append. */
export class Ingest extends Construct {
  readonly function: LambdaFunction
  readonly source: Source['kind']
  /** Records that were given up: none for HTTP, whose callers get the answer themselves. */
  readonly deadLetters: Queue | undefined
  /** What the function takes its records from, if that is a queue. */
  readonly queue: IQueue | undefined
  readonly url: FunctionUrl | undefined

  constructor(scope: Construct, id: string, props: IngestContext) {
    super(scope, id)
    const { source } = props
    const timeout = Duration.seconds(props.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS)
    this.source = source.kind
    this.function = lakeFunction(this, 'Function', {
      entry: props.entry ?? ownFunction('ingest'),
      description: `Appends what comes by ${source.kind} (${id}) to ${props.location}`,
      timeout,
      memoryMiB: props.memoryMiB ?? DEFAULT_MEMORY_MIB,
      environment: {
        DATASHARD_DELIVERY: props.delivery ?? 'exactly-once',
        ...props.environment,
        DATASHARD_TABLE: props.location,
      },
      policies: [props.writer],
    })
    if (source.kind === 'url') {
      this.url = this.function.addFunctionUrl({ authType: source.authType ?? FunctionUrlAuthType.AWS_IAM })
      new CfnOutput(this, 'Url', { value: this.url.url, description: 'POST rows as JSON or NDJSON' })
      return
    }
    const queue = (name: string, more: object = {}) => newQueue(this, name, props.encryptionKey, more)
    this.deadLetters = queue('DeadLetters', { retentionPeriod: Duration.days(14) })
    acknowledge(this.deadLetters, this.function)
    if (source.kind === 'kinesis' || source.kind === 'dynamodb') {
      this.function.addEventSource(streamSource(source, props, this.deadLetters))
      return
    }
    const visibilityTimeout = Duration.seconds(timeout.toSeconds() * VISIBILITY_TIMEOUTS)
    const deadLetterQueue = { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES }
    const given = source.kind === 'queue' ? source.queue : undefined
    this.queue = given ?? queue('Queue', { visibilityTimeout, deadLetterQueue, retentionPeriod: Duration.days(14) })
    this.function.addEventSource(
      new SqsEventSource(this.queue, {
        ...batching(props),
        maxConcurrency: MAX_CONCURRENCY,
      }),
    )
    this.#feed(source, this.queue, this.deadLetters)
    if (given === undefined) new CfnOutput(this, 'QueueUrl', { value: this.queue.queueUrl })
  }

  /** Connects what is not a queue itself. */
  #feed(source: Source, queue: IQueue, deadLetters: Queue): void {
    if (source.kind === 'topic') {
      source.topic.addSubscription(
        new SqsSubscription(queue, { rawMessageDelivery: true, deadLetterQueue: deadLetters }),
      )
    }
    if (source.kind === 'events') {
      const target = new SqsQueue(queue, {
        message: RuleTargetInput.fromEventPath('$.detail'),
        deadLetterQueue: deadLetters,
      })
      new Rule(this, 'Rule', {
        eventPattern: source.pattern,
        targets: [target],
        ...(source.bus ? { eventBus: source.bus } : {}),
      })
    }
  }
}

function batching(props: IngestContext) {
  return {
    batchSize: props.batchSize ?? DEFAULT_BATCH,
    maxBatchingWindow: Duration.seconds(props.batchWindowSeconds ?? DEFAULT_WINDOW_SECONDS),
    // Only what was not committed comes again.
    reportBatchItemFailures: true,
  }
}

function streamSource(
  source: Extract<Source, { kind: 'kinesis' | 'dynamodb' }>,
  props: IngestContext,
  deadLetters: Queue,
) {
  const how = {
    ...batching(props),
    startingPosition: StartingPosition.TRIM_HORIZON,
    retryAttempts: STREAM_RETRIES,
    // A batch that comes again in halves is not the batch that its claim names (docs/lambda.md), and the answer names bad records anyway.
    bisectBatchOnError: false,
    onFailure: new SqsDlq(deadLetters),
  }
  return source.kind === 'kinesis'
    ? new KinesisEventSource(source.stream, how)
    : new DynamoEventSource(source.table, how)
}

function newQueue(scope: Construct, id: string, encryptionKey: IKey | undefined, more: object): Queue {
  return new Queue(scope, id, {
    enforceSSL: true,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    ...more,
  })
}

/** What cdk-nag asks about rights that CDK gives for a source, and cannot know of the dead letters of a stream. */
function acknowledge(deadLetters: Queue, lambda: LambdaFunction): void {
  const endOfLine = 'it is where a stream or a queue puts what was given up; nothing takes from it but people'
  Validations.of(deadLetters).acknowledge({ id: 'AwsSolutions-SQS3', reason: endOfLine })
  const findings = {
    'Action::kms:ReEncrypt*': 'CDK grants it with the right to send to the dead letters, on their key only',
    'Action::kms:GenerateDataKey*': 'CDK grants it with the right to send to the dead letters, on their key only',
    'Resource::*': 'dynamodb:ListStreams knows no resources',
  }
  const acknowledged = Object.entries(findings).map(([finding, reason]) => ({
    id: `AwsSolutions-IAM5[${finding}]`,
    reason,
  }))
  if (lambda.role) Validations.of(lambda.role).acknowledge(...acknowledged)
}

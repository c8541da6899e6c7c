import { CfnOutput, Duration } from 'aws-cdk-lib'
import type { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose'
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda'
import type { Function as LambdaFunction, FunctionUrl } from 'aws-cdk-lib/aws-lambda'
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { ownFunction } from './bundle.ts'
import { lakeFunction } from './lake-function.ts'
import { acknowledgeRights, batching, newDeadLetters, windowSeconds } from './sources/context.ts'
import type { IngestContext } from './sources/context.ts'
import { connectFirehose } from './sources/firehose.ts'
import { connectKafka } from './sources/kafka.ts'
import { connectQueue } from './sources/queued.ts'
import type { Source } from './sources/source.ts'
import { connectStream } from './sources/streams.ts'

const DEFAULT_MEMORY_MIB = 1024
const DEFAULT_TIMEOUT_SECONDS = 60
/** An object can be large, and ten of them are one batch. */
const DEFAULT_OBJECT_TIMEOUT_SECONDS = 300

/** One function that appends what one source brings, and the queue of what it could not append. */
export class Ingest extends Construct {
  readonly function: LambdaFunction
  readonly source: Source['kind']
  /** How long records are gathered before the function is called, seconds. */
  readonly windowSeconds: number
  /** Records per invocation at most. */
  readonly batchSize: number
  /** Records that were given up: none for HTTP, whose callers get the answer themselves, nor for Firehose, which puts them into its bucket. */
  readonly deadLetters: Queue | undefined
  /** What the function takes its records from, if that is a queue. */
  readonly queue: IQueue | undefined
  readonly url: FunctionUrl | undefined
  /** Of Firehose: `ref` is its name. */
  readonly stream: CfnDeliveryStream | undefined

  constructor(scope: Construct, id: string, props: IngestContext) {
    super(scope, id)
    const { source } = props
    const usual = source.kind === 's3' ? DEFAULT_OBJECT_TIMEOUT_SECONDS : DEFAULT_TIMEOUT_SECONDS
    const timeout = Duration.seconds(props.timeoutSeconds ?? usual)
    this.source = source.kind
    this.windowSeconds = windowSeconds(props)
    this.batchSize = batching(props).batchSize
    this.function = lakeFunction(this, 'Function', {
      entry: props.entry ?? ownFunction('ingest'),
      description: `Appends what comes by ${source.kind} (${id}) to ${props.location}`,
      timeout,
      memoryMiB: props.memoryMiB ?? DEFAULT_MEMORY_MIB,
      environment: { ...settingsOf(props), ...props.environment, DATASHARD_TABLE: props.location },
      policies: [props.writer],
    })
    const lambda = this.function
    if (source.kind === 'url') {
      this.url = lambda.addFunctionUrl({ authType: source.authType ?? FunctionUrlAuthType.AWS_IAM })
      new CfnOutput(this, 'Url', { value: this.url.url, description: 'POST rows as JSON or NDJSON' })
      return
    }
    if (source.kind === 'firehose') {
      this.stream = connectFirehose(this, source, props, { lambda, timeout })
      return
    }
    const deadLetters = newDeadLetters(this, props.encryptionKey)
    this.deadLetters = deadLetters
    acknowledgeRights(source.kind, lambda)
    if (source.kind === 'kinesis' || source.kind === 'dynamodb') {
      connectStream(source, props, { lambda, deadLetters })
    } else if (source.kind === 'msk' || source.kind === 'kafka') {
      connectKafka(this, source, props, { lambda, deadLetters })
    } else {
      this.queue = connectQueue(this, source, props, { lambda, timeout, deadLetters })
      const isOurs = source.kind !== 'queue' || source.queue === undefined
      if (isOurs) new CfnOutput(this, 'QueueUrl', { value: this.queue.queueUrl })
    }
  }
}

/** What the handler that comes with the constructs has to know. */
function settingsOf({ source, delivery = 'exactly-once' }: IngestContext): Record<string, string> {
  return {
    DATASHARD_DELIVERY: delivery,
    // Without being told it would take the notification itself for a row.
    ...(source.kind === 's3' ? { DATASHARD_SOURCE: 's3' } : {}),
    ...(source.kind === 'firehose' ? { DATASHARD_FIREHOSE: source.keep === 'records' ? 'pass' : 'drop' } : {}),
  }
}

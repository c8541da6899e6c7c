/** Queues, and what comes by way of a queue: topics, buses, notifications of buckets. */
import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events'
import type { EventPattern, IEventBus } from 'aws-cdk-lib/aws-events'
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { batching, newQueue } from './context.ts'
import type { IngestContext } from './context.ts'
import { newObjects, mayRead, tellEventBridge } from './objects.ts'
import type { Source } from './source.ts'

/** A record that fails so often is not going to succeed; the dead-letter queue keeps it for people. */
const MAX_RECEIVES = 5
const MAX_CONCURRENCY = 50
/** AWS advises six times the function's timeout, so that throttled batches do not come back while they are retried. */
const VISIBILITY_TIMEOUTS = 6

export type QueuedSource = Extract<Source, { kind: 'queue' | 'topic' | 'events' | 's3' }>

/** Connects the function with a queue, and the queue with what feeds it. Gives the queue. */
export function connectQueue(
  scope: Construct,
  source: QueuedSource,
  props: IngestContext,
  to: { readonly lambda: LambdaFunction; readonly timeout: Duration; readonly deadLetters: Queue },
): IQueue {
  const { lambda, timeout, deadLetters } = to
  const given = source.kind === 'queue' ? source.queue : undefined
  const queue =
    given ??
    newQueue(scope, 'Queue', props.encryptionKey, {
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * VISIBILITY_TIMEOUTS),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVES },
    })
  lambda.addEventSource(new SqsEventSource(queue, { ...batching(props), maxConcurrency: MAX_CONCURRENCY }))
  if (source.kind === 'topic') {
    source.topic.addSubscription(new SqsSubscription(queue, { rawMessageDelivery: true, deadLetterQueue: deadLetters }))
  }
  if (source.kind === 'events') {
    const message = RuleTargetInput.fromEventPath('$.detail')
    feed(scope, {
      pattern: source.pattern,
      bus: source.bus,
      target: new SqsQueue(queue, { message, deadLetterQueue: deadLetters }),
    })
  }
  if (source.kind === 's3') {
    tellEventBridge(scope, source)
    feed(scope, { pattern: newObjects(source), target: new SqsQueue(queue, { deadLetterQueue: deadLetters }) })
    mayRead(source, lambda)
  }
  return queue
}

function feed(
  scope: Construct,
  { pattern, bus, target }: { pattern: EventPattern; bus?: IEventBus | undefined; target: SqsQueue },
): void {
  new Rule(scope, 'Rule', { eventPattern: pattern, targets: [target], ...(bus ? { eventBus: bus } : {}) })
}

/**
 * A standard SQS queue, as far as its consumers can tell: at least once, in no order, in other company each time. A message that was
 * received is invisible for a while, and comes again unless it was deleted; now and then one comes although it was deleted. Received
 * too often, it goes to the dead letters.
 */
export interface QueueOptions {
  readonly visibilityTimeoutMs: number
  readonly maxReceiveCount: number
  /** Share of the deleted messages that come once more. */
  readonly doubledShare: number
  readonly random: () => number
  readonly now: () => number
}

export interface Message {
  readonly messageId: string
  readonly body: string
}

interface Held extends Message {
  readonly sentMs: number
  visibleAtMs: number
  received: number
}

const ARN = 'arn:aws:sqs:us-east-1:123456789012:orders'

export class Queue {
  readonly deadLetters: Message[] = []
  readonly #options: QueueOptions
  readonly #messages: Held[] = []
  #deliveries = 0
  #doubled = 0

  constructor(bodies: readonly string[], options: QueueOptions) {
    this.#options = options
    const now = options.now()
    for (const [index, body] of bodies.entries()) {
      const messageId = `059f36b4-87a3-44ab-83d2-${String(index).padStart(12, '0')}`
      this.#messages.push({ messageId, body, sentMs: now, visibleAtMs: now, received: 0 })
    }
  }

  /** Messages that are neither deleted nor dead. */
  get size(): number {
    return this.#messages.length
  }

  get counts(): { readonly deliveries: number; readonly doubled: number } {
    return { deliveries: this.#deliveries, doubled: this.#doubled }
  }

  /** Up to `max` of the visible messages, chosen at random, as the event that a function gets; undefined if there are none. */
  receive(max: number): { readonly messages: readonly Message[]; readonly event: object } | undefined {
    const { now, random, visibilityTimeoutMs, maxReceiveCount } = this.#options
    const nowMs = now()
    const visible = this.#messages.filter(({ visibleAtMs }) => visibleAtMs <= nowMs)
    for (const dead of visible.filter(({ received }) => received >= maxReceiveCount)) {
      this.#remove(dead)
      this.deadLetters.push(dead)
    }
    const left = visible.filter(({ received }) => received < maxReceiveCount)
    const taken: Held[] = []
    while (taken.length < max && left.length > 0) {
      taken.push(...left.splice(Math.floor(random() * left.length), 1))
    }
    if (taken.length === 0) return undefined
    this.#deliveries += taken.length
    for (const message of taken) {
      message.visibleAtMs = nowMs + visibilityTimeoutMs
      message.received += 1
    }
    return { messages: taken, event: { Records: taken.map(recordOf) } }
  }

  /** What the event source does with an answer: deletes all but the failures, which come again when their time is over. */
  answered(messages: readonly Message[], answer: unknown): void {
    const { batchItemFailures = [] } = (answer ?? {}) as { batchItemFailures?: { itemIdentifier: string }[] }
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    for (const message of messages) {
      if (!failed.has(message.messageId)) this.#delete(message as Held)
    }
  }

  #delete(message: Held): void {
    if (this.#options.random() < this.#options.doubledShare && message.received < this.#options.maxReceiveCount) {
      this.#doubled += 1
      return // A server that did not hear of it: the message becomes visible again.
    }
    this.#remove(message)
  }

  #remove(message: Held): void {
    const at = this.#messages.indexOf(message)
    if (at >= 0) this.#messages.splice(at, 1)
  }
}

function recordOf({ messageId, body, sentMs, received }: Held): object {
  return {
    messageId,
    receiptHandle: `${messageId}:${received}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(received),
      SentTimestamp: String(Math.floor(sentMs)),
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: String(Math.floor(sentMs)),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: ARN,
    awsRegion: 'us-east-1',
  }
}

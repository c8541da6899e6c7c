/**
 * Functions on SQS under stress: many instances as processes of their own, a share of the invocations killed at a random moment, poison
 * among the messages. What the queue and the clients saw is counted here; what is in the table, another engine tells.
 */
import type { InstanceOptions } from './instance.ts'
import { FunctionInstance } from './instance.ts'
import { Queue } from './sqs.ts'

export interface StressOptions {
  readonly instance: InstanceOptions
  readonly functions: number
  readonly messages: number
  readonly batchSize: number
  /** Share of the invocations that are killed. */
  readonly killedShare: number
  readonly poisonShare: number
  readonly visibilityTimeoutMs: number
  readonly maxReceiveCount: number
  readonly limitMs: number
  readonly random: () => number
}

export interface StressResult {
  /** Ids of the good messages: all are to be in the table. */
  readonly good: ReadonlySet<number>
  readonly poison: number
  /** Poison that is in the dead letters. */
  readonly poisonDead: number
  /** Good messages in the dead letters: given up by the queue, whether or not they are in the table. */
  readonly goodDead: number
  readonly invocations: number
  readonly killed: number
  readonly failed: number
  readonly instances: number
  readonly deliveries: number
  readonly doubled: number
  readonly elapsedMs: number
  /** When nine tenths of the good messages were acknowledged; the rest waits for its visibility timeouts. */
  readonly mostMs: number
  /** Of the invocations that were answered; cold starts are in the first of an instance. */
  readonly durationsMs: readonly number[]
  /** What the last invocation that failed said. */
  readonly lastFailure: string | undefined
}

/** A kill comes between the start of an invocation and this many times its usual duration. */
const KILL_SPAN = 1.2
const FIRST_DURATION_MS = 500
const IDLE_MS = 50

export async function runStress(options: StressOptions): Promise<StressResult> {
  const { random } = options
  const bodies = messagesOf(options)
  const now = () => performance.now() + performance.timeOrigin
  const { visibilityTimeoutMs, maxReceiveCount } = options
  const queue = new Queue(bodies.all, { visibilityTimeoutMs, maxReceiveCount, doubledShare: 0.01, random, now })
  const counts = { invocations: 0, killed: 0, failed: 0, instances: 0 }
  const durationsMs: number[] = []
  let usualMs = FIRST_DURATION_MS
  let lastFailure: string | undefined
  let mostMs = Number.NaN
  const startedMs = now()
  const isOver = () => queue.size === 0 || now() - startedMs > options.limitMs

  const consume = async (): Promise<void> => {
    let instance: FunctionInstance | undefined
    while (!isOver()) {
      const batch = queue.receive(options.batchSize)
      if (!batch) {
        await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
        continue
      }
      if (!instance?.isAlive) {
        instance = await FunctionInstance.start(options.instance)
        counts.instances += 1
      }
      counts.invocations += 1
      const sentMs = now()
      const running = instance.invoke(batch.event)
      const doomed = random() < options.killedShare ? instance : undefined
      const timer = doomed && setTimeout(() => doomed.kill(), random() * usualMs * KILL_SPAN)
      const ended = await running
      clearTimeout(timer)
      if (ended.kind === 'answered') {
        const tookMs = now() - sentMs
        durationsMs.push(tookMs)
        usualMs = 0.9 * usualMs + 0.1 * tookMs
        queue.answered(batch.messages, ended.answer)
        if (Number.isNaN(mostMs) && queue.size < options.messages - 0.9 * bodies.good.size) mostMs = now() - startedMs
        // Killed all the same, between two invocations.
        if (doomed) doomed.kill()
      } else if (ended.kind === 'failed') lastFailure = ended.error.errorMessage
      else if (ended.why !== 'killed') lastFailure = `${ended.why}: ${instance.stderr}`
      if (doomed) counts.killed += 1
      else if (ended.kind !== 'answered') counts.failed += 1
    }
    await instance?.stop()
  }
  await Promise.all(Array.from({ length: options.functions }, consume))
  const elapsedMs = now() - startedMs
  // Those that were received for the last time as the run ended.
  const dead = new Set(queue.deadLetters.map(({ body }) => body))
  return {
    good: bodies.good,
    poison: bodies.poison.length,
    poisonDead: bodies.poison.filter((body) => dead.has(body)).length,
    goodDead: queue.deadLetters.length - bodies.poison.filter((body) => dead.has(body)).length,
    ...counts,
    ...queue.counts,
    elapsedMs,
    mostMs,
    durationsMs,
    lastFailure,
  }
}

/** Orders, and among them what is none: no JSON, a number that is none, a value missing, a column that is not there. */
function messagesOf({ messages, poisonShare }: StressOptions) {
  const every = poisonShare === 0 ? Infinity : Math.round(1 / poisonShare)
  const good = new Set<number>()
  const poison: string[] = []
  const all = Array.from({ length: messages }, (_, id) => {
    if (id % every === every - 1) {
      const wrong = [`{"id":${id}`, `{"id":"x${id}"}`, `{"customer":"c${id}"}`, `{"id":${id},"colour":1}`][id % 4]!
      poison.push(wrong)
      return wrong
    }
    good.add(id)
    return JSON.stringify({ id, customer: `customer-${id % 97}`, total: '12.50', ordered_at: '2026-11-25T09:30:00Z' })
  })
  return { all, good, poison }
}

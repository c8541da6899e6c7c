/** From a seed to a kind of world: who is in it, and what goes wrong. */
import { Chance } from './chance.ts'
import type { NetworkProfile } from './network.ts'
import { CALM } from './network.ts'

export interface Scenario {
  readonly seed: number
  /** Long-lived processes that append, and how often each does. */
  readonly writers: number
  readonly appendsPerWriter: number
  /** Rows in one append, at most. */
  readonly maxRows: number
  /** Appends of one process under way at the same time: they meet in its group commit. */
  readonly concurrency: number
  /** Mean pause between the appends of a writer. */
  readonly pauseMs: number
  /** Writers rest together and come back at the same time, as functions on a schedule do. */
  readonly shifts: boolean
  readonly partitioned: boolean
  /** How often an append is cancelled, or given little time. */
  readonly impatient: number
  /** Processes that live for one append, and are tried again when they die or fail. */
  readonly lambdas: number
  /** Whether what can have an idempotency key has one. */
  readonly keyed: boolean
  /** Messages of a queue, each with a key of its own, which are delivered in batches and again. */
  readonly messages: number
  readonly transactions: number
  readonly readers: number
  /** Commits by another engine that drop what it does not know. */
  readonly foreignCommits: number
  /** How often the table is dropped and created again under its writers. */
  readonly drops: number
  /** Sweeps beside the writers, and after them. */
  readonly maintenance: boolean
  /** Whether commits keep only a few snapshots. */
  readonly thinned: boolean
  /** Probability for a long-lived process to be killed, and to be stopped for a while. */
  readonly kills: number
  readonly stops: number
  /** Wall clocks are wrong by up to so much. */
  readonly maxSkewMs: number
  readonly network: NetworkProfile
  readonly pageKeys: number
}

export type Size = 'small' | 'large'

const HOUR_MS = 3_600_000

/** The scenario of a seed. Sizes: `small` are mostly up to 16 writers, and one in 50 times more; `large` 64 to 256. */
export function scenarioOf(seed: number, size: Size = 'small'): Scenario {
  const chance = new Chance(seed).fork('scenario')
  const isLarge = size === 'large' || chance.is(0.02)
  const crowds = size === 'large' ? [64, 96, 128, 256] : [32, 48, 64, 128]
  const writers = chance.pick(isLarge ? crowds : [1, 2, 3, 4, 6, 8, 12, 16])
  const maintenance = chance.is(0.25)
  const sometimes = (probability: number, count: () => number) => (chance.is(probability) ? count() : 0)
  const isRough = chance.is(0.75)
  return {
    seed,
    writers,
    appendsPerWriter: isLarge ? chance.whole(1, 2) : chance.whole(1, 4),
    maxRows: chance.pick([1, 1, 3, 10]),
    concurrency: chance.pick([1, 1, 1, 3]),
    // Sweeps are of interest where versions are a day old and somebody still appends.
    pauseMs: chance.pick([0, 50, 1_000, 20_000, 400_000, ...(maintenance ? [4 * HOUR_MS, 12 * HOUR_MS] : [])]),
    // Of another stream: it was not always there, and seeds keep what they were.
    shifts: chance.fork('shifts').is(0.5),
    partitioned: chance.is(0.2),
    impatient: chance.pick([0, 0, 0.2, 0.5]),
    lambdas: sometimes(0.4, () => chance.whole(1, 6)),
    keyed: chance.is(0.5),
    messages: sometimes(0.2, () => chance.whole(2, 12)),
    transactions: sometimes(0.3, () => chance.whole(1, 3)),
    readers: sometimes(0.4, () => chance.whole(1, 2)),
    foreignCommits: sometimes(0.25, () => chance.whole(1, 4)),
    drops: sometimes(0.1, () => chance.whole(1, 2)),
    maintenance,
    thinned: chance.is(0.3),
    kills: isRough ? chance.pick([0, 0.1, 0.4]) : 0,
    stops: isRough ? chance.pick([0, 0.1, 0.4]) : 0,
    maxSkewMs: chance.pick([0, 2_000, 5 * 60_000]),
    network: isRough ? roughNetwork(chance) : { ...CALM, latencyMs: chance.pick([5, 15, 40]) },
    pageKeys: chance.pick([2, 7, 1_000]),
  }
}

function roughNetwork(chance: Chance): NetworkProfile {
  const level = chance.pick([0.003, 0.01, 0.03, 0.08])
  const startsMs = chance.between(100, 5_000)
  return {
    failing: level * chance.pick([0, 1, 1]),
    hanging: level * chance.pick([0, 0.3, 1]),
    slow: level * chance.pick([0, 1, 1]),
    repeated: level * chance.pick([0, 1, 1]),
    // Of another stream: it was not always there, and seeds keep what they were.
    lingering: chance.fork('lingering').pick([0, 0.3, 1]),
    latencyMs: chance.pick([5, 15, 40]),
    outage: chance.is(0.1) ? { fromMs: startsMs, toMs: startsMs + 20_000 } : undefined,
  }
}

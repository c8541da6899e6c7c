/** What the way between a process and the store does to one request. */
import type { Chance } from './chance.ts'

/** How bad the network of a world is. Probabilities are per request. */
export interface NetworkProfile {
  /** No answer, or one that says nothing, before or after the effect; half of the trouble. */
  readonly failing: number
  /** Never answered; a part of them has its effect, perhaps minutes later. */
  readonly hanging: number
  /** Seconds instead of milliseconds. */
  readonly slow: number
  /** Applied again, at once (and the second answer comes back, as from a proxy) or minutes later. */
  readonly repeated: number
  /** Of those that their client gives up before they have arrived: arrive all the same, but much later. */
  readonly lingering: number
  /** Typical time of one way. */
  readonly latencyMs: number
  /** While the store answers nothing but 503. */
  readonly outage: { readonly fromMs: number; readonly toMs: number } | undefined
}

export const CALM: NetworkProfile = {
  failing: 0,
  hanging: 0,
  slow: 0,
  repeated: 0,
  lingering: 0,
  latencyMs: 15,
  outage: undefined,
}

/** S3 turns a request away that was signed 15 minutes ago; one that is under way for longer does not exist. */
const MAX_LATENESS_MS = 10 * 60_000

/** What the client learns. `refused`: never sent, so that even a conditional put may be sent again. */
export type Answer = 'value' | 'error' | 'refused' | 'none'

/** What becomes of one request. */
export interface Fate {
  /** When it reaches the store; undefined: never. */
  readonly arrivesMs: number | undefined
  /** One way back. */
  readonly backMs: number
  readonly answer: Answer
  /** Applied once more right after, the second result is the answer. */
  readonly echoed: boolean
  /** Applied once more so much later. */
  readonly againMs: number | undefined
  /** Whether it waits inside of its process for being sent, and so shares the fate of the process. */
  readonly buffered: boolean
}

/** The mean of one way, in typical ones: between 0.6 and 1.4, and now and then much more. */
export const MEAN_WAY = 1.25

export function fateOf(profile: NetworkProfile, chance: Chance, nowMs: number): Fate {
  const way = () => profile.latencyMs * (0.6 + 0.8 * chance.next()) + chance.exponential(profile.latencyMs / 4)
  const slow = chance.is(profile.slow)
  const arrivesMs = slow ? chance.between(300, 4_000) : way()
  const buffered = chance.is(0.3)
  const normal: Fate = {
    arrivesMs,
    backMs: way(),
    answer: 'value',
    echoed: chance.is(profile.repeated / 2),
    againMs: chance.is(profile.repeated / 2) ? lateness(chance) : undefined,
    buffered,
  }
  const { outage } = profile
  if (outage && nowMs >= outage.fromMs && nowMs < outage.toMs) {
    return { ...normal, arrivesMs: undefined, answer: chance.is(0.5) ? 'error' : 'refused' }
  }
  if (chance.is(profile.failing)) {
    const how = chance.next()
    if (how < 0.1) return { ...normal, arrivesMs: undefined, answer: 'refused' }
    return { ...normal, arrivesMs: how < 0.5 ? undefined : arrivesMs, answer: 'error' }
  }
  if (chance.is(profile.hanging)) {
    const how = chance.next()
    const late = how < 0.3 ? undefined : how < 0.6 ? arrivesMs : lateness(chance)
    return { ...normal, arrivesMs: late, answer: 'none' }
  }
  return normal
}

/** Mostly seconds, sometimes minutes. */
export function lateness(chance: Chance): number {
  return chance.is(0.7) ? chance.between(100, 20_000) : chance.between(20_000, MAX_LATENESS_MS)
}

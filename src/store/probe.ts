/**
 * The proof that a store honours conditional creates, by racing them. Asking one request after the other proves nothing:
 * some stores pass that and let several of many concurrent creates win (faults 10 and 28).
 */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime, uuid } from '../runtime.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import type { ObjectStore } from './store.ts'

export interface ProbeOptions {
  readonly runtime?: Runtime
  /** Creates sent at once for each key; default 16. */
  readonly clients?: number
  /** Races, each for a key of its own; default 20. */
  readonly keys?: number
  readonly signal?: AbortSignal | undefined
}

const PROBE_OPTIONS: OptionNames<ProbeOptions> = { runtime: true, clients: true, keys: true, signal: true }

/** What a probe found, fit to be written down. */
export interface ProbeResult {
  readonly passed: boolean
  /** Races that came to a verdict. */
  readonly rounds: number
  readonly clients: number
  readonly endpoint: string
  /** Races that had not exactly one winner, or whose object was not the winner's. */
  readonly violations: number
  /** By the store's clock, milliseconds since the epoch. */
  readonly atMs: number
  /** Of the first violation, for people. */
  readonly reason?: string
}

const DEFAULT_CLIENTS = 16
const DEFAULT_KEYS = 20
/** Races whose outcome stays unknown (a 503, a reset) are run again, in all at most this many times more. */
const MAX_REPEATS = 20
/** Wait before a repetition: what answered 503 is given time. */
const REPEAT_PAUSE_MS = 200
/** Enough to refuse a store; the rest of the races would only cost time. */
const ENOUGH_VIOLATIONS = 3

/** Stores that were raced and honoured every condition, and stores that did not: for messages. */
export const TESTED_STORES =
  'AWS S3 promises it; MinIO, versitygw and moto passed 100 of 100 races; Adobe S3Mock passed 62, fauxqs and s3rver none'

/**
 * Races `clients` conditional creates on each of `keys` new keys under `prefix`, and deletes what it wrote. About
 * `keys * (clients + 3)` requests; `keys + 2` round trips. Throws `unavailable` if the store does not answer for long
 * enough, `unsupported` if it refuses conditions itself, `denied` and the like as any write does.
 */
export async function probeConditionalCreate(
  store: ObjectStore,
  prefix: string,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  checkOptions('probeConditionalCreate', options, PROBE_OPTIONS)
  const runtime = options.runtime ?? systemRuntime
  const { clients = DEFAULT_CLIENTS, keys = DEFAULT_KEYS, signal } = options
  const base = `${prefix === '' ? '' : `${prefix}/`}${uuid(runtime)}`
  const tried: string[] = []
  // One per race that came to an end. Objects are looked at while the next races run: a race costs one round trip.
  const verdicts: Promise<string | undefined>[] = []
  let refuted = 0
  let repeats = 0
  try {
    while (verdicts.length < keys && refuted < ENOUGH_VIOLATIONS) {
      throwIfAborted(signal, 'the probe of conditional creates')
      const key = `${base}-${tried.length}`
      tried.push(key)
      const race = await runRace(store, key, clients, signal)
      if (race.kind === 'won') {
        verdicts.push(inspect(store, key, race.winner, signal))
        verdicts.at(-1)!.catch(() => undefined) // awaited below; until then it must not count as unhandled
      } else if (race.kind === 'violation') {
        verdicts.push(Promise.resolve(race.reason))
        refuted += 1
      } else {
        repeats += 1
        if (repeats > MAX_REPEATS) throw noVerdict(store, repeats, race.cause)
        await runtime.sleep(runtime.random() * REPEAT_PAUSE_MS * repeats, signal)
      }
    }
    const violations = (await Promise.all(verdicts)).filter((reason) => reason !== undefined)
    return {
      passed: violations.length === 0,
      rounds: verdicts.length,
      clients,
      endpoint: store.conditionalCreate.endpoint,
      violations: violations.length,
      atMs: runtime.now() + store.clockOffsetMs(),
      ...(violations[0] !== undefined && { reason: violations[0] }),
    }
  } finally {
    // A delete must not overtake a request that is still on its way.
    await Promise.allSettled(verdicts)
    // Rights to write without rights to delete are common; what stays is tiny, and no verdict.
    await store.delete(tried).catch(() => undefined)
  }
}

type Race =
  | { readonly kind: 'won'; readonly winner: number }
  | { readonly kind: 'violation'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly cause: unknown }

async function runRace(
  store: ObjectStore,
  key: string,
  clients: number,
  signal: AbortSignal | undefined,
): Promise<Race> {
  const settled = await Promise.allSettled(
    Array.from({ length: clients }, (_, client) =>
      store.put(key, bodyOf(client), { mode: 'create', contentType: 'text/plain', signal }),
    ),
  )
  // All of them have ended by now: none can still create the object after it was deleted.
  const results = settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
  const winners = results.flatMap((result, client) => (result.outcome === 'written' ? [client] : []))
  if (winners.length > 1) {
    return { kind: 'violation', reason: `${winners.length} of ${clients} concurrent creates of one key succeeded` }
  }
  const unknown = results.flatMap((result) => (result.outcome === 'unknown' ? [result.cause] : []))
  const untold = unknown.filter((cause) => winners.length === 0 || !isConflict(cause))
  if (untold.length > 0) return { kind: 'unknown', cause: untold[0] }
  if (winners.length === 0) {
    return { kind: 'violation', reason: `none of ${clients} concurrent creates of a new key succeeded` }
  }
  return { kind: 'won', winner: winners[0]! }
}

/**
 * AWS and others answer some losers of a race by 409 "conflict, try again". To a commit that is no answer; here, where
 * somebody has won and the object is looked at afterwards, it is one.
 */
function isConflict(cause: unknown): boolean {
  return DataShardError.is(cause) && cause.details['status'] === 409
}

/** What is wrong after a race with one winner: another's bytes, or a late create that succeeds. */
async function inspect(
  store: ObjectStore,
  key: string,
  winner: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const late = await store.put(key, bodyOf(-1), { mode: 'create', contentType: 'text/plain', signal })
  if (late.outcome === 'written') return 'a create of a key that exists succeeded and replaced the object'
  const bytes = await store.get(key, { signal })
  if (bytes === undefined) return 'a key that was just created is missing when it is read'
  const found = new TextDecoder().decode(bytes)
  const expected = new TextDecoder().decode(bodyOf(winner))
  return found === expected ? undefined : `the winner of a race wrote '${expected}', but '${found}' is read back`
}

function bodyOf(client: number): Uint8Array {
  return new TextEncoder().encode(client < 0 ? 'late' : `client ${client}`)
}

function noVerdict(store: ObjectStore, repeats: number, cause: unknown): DataShardError {
  const { endpoint } = store.conditionalCreate
  return new DataShardError(
    'unavailable',
    `whether ${endpoint} honours conditional creates could not be found out: ${repeats} races had no outcome that can be ` +
      'trusted. Try again when it is less busy',
    { cause, details: { endpoint } },
  )
}

/** The `unsupported` error for a store that failed its probe. */
export function conditionalCreateUnsupported(result: ProbeResult): DataShardError {
  return new DataShardError(
    'unsupported',
    `${result.endpoint} does not honour conditional creates (If-None-Match: *): ${result.reason ?? 'a race had several winners'}. ` +
      `Commits would overwrite each other there, so nothing was created. Use another store or version (${TESTED_STORES})`,
    { details: { endpoint: result.endpoint, rounds: result.rounds, violations: result.violations } },
  )
}

/**
 * Protections of the library, each with a way to switch it off. A module is replaced by its own exports with some of them
 * changed; everybody who imports it gets these.
 */
import type * as claims from '../../src/commit/claims.ts'
import type * as create from '../../src/commit/create-version.ts'
import type { Ledger } from '../../src/commit/ledger.ts'
import type * as peek from '../../src/commit/peek.ts'
import type { Place } from '../../src/commit/place.ts'
import { keyIn } from '../../src/commit/place.ts'
import { encodeHint, HINT_NAME } from '../../src/commit/version.ts'
import type * as rules from '../../src/commit/window.ts'
import type { IntentName } from '../../src/commit/window.ts'
import { DataShardError } from '../../src/errors.ts'
import type { Scenario } from './scenario.ts'

export interface Mutation {
  /** The protection that is off. */
  readonly off: string
  /** The module below `src/`. */
  readonly module: string
  /** What takes the place of its exports. */
  readonly replace: (original: never) => Readonly<Record<string, unknown>>
  /** Worlds in which it matters. */
  readonly change: Partial<Scenario>
  /** Seeds within which it must be found. */
  readonly within: number
  /** What its loss comes to. */
  readonly shows: RegExp
}

/** A small world in which requests fail and are repeated. */
const ROUGH: Partial<Scenario> = {
  writers: 3,
  appendsPerWriter: 3,
  pauseMs: 0,
  concurrency: 1,
  impatient: 0,
  lambdas: 0,
  readers: 0,
  network: { failing: 0.08, hanging: 0.02, slow: 0.05, repeated: 0.08, lingering: 0, latencyMs: 15, outage: undefined },
}

/** Writers that meet all the time. */
const CROWDED: Partial<Scenario> = {
  ...ROUGH,
  writers: 12,
  appendsPerWriter: 3,
  kills: 0,
  stops: 0,
  maintenance: false,
  drops: 0,
}

/** Events and messages that are delivered again and again, at the same time. */
export const REDELIVERED: Partial<Scenario> = {
  ...CROWDED,
  writers: 4,
  lambdas: 6,
  messages: 12,
  keyed: true,
}

/** Writers that sleep until the versions that they know have been deleted. */
const SLEEPY: Partial<Scenario> = {
  writers: 8,
  appendsPerWriter: 4,
  pauseMs: 1_000,
  concurrency: 1,
  impatient: 0,
  lambdas: 0,
  readers: 0,
  kills: 0,
  stops: 1,
  maintenance: true,
}

export const MUTATIONS: readonly Mutation[] = [
  {
    off: 'the nonce: a version that exists is somebody else\'s, also when it is one\'s own ("late 412 = lost")',
    module: 'commit/peek.ts',
    replace: (original: typeof peek) => ({
      peekVersion: async (...args: Parameters<typeof peek.peekVersion>) => {
        const seen = await original.peekVersion(...args)
        return seen && { ...seen, nonce: 'of somebody else' }
      },
    }),
    change: ROUGH,
    within: 20,
    shows: /exists already|is in the table 2 times|is missing/,
  },
  {
    off: 'the look after a lost answer: an unknown create counts as lost, and is made again',
    module: 'commit/create-version.ts',
    replace: (original: typeof create) => ({
      createVersion: async (...[place, version]: Parameters<typeof create.createVersion>) => {
        const blind = { ...place, store: onlyCreates(place.store) }
        return original.createVersion(blind, version).catch((error: unknown) => {
          if (DataShardError.is(error, 'commit-unknown')) return { outcome: 'stale' }
          throw error
        })
      },
    }),
    change: ROUGH,
    within: 20,
    shows: /exists already|is in the table 2 times|is missing/,
  },
  {
    off: 'certainty: what an append wrote is deleted also when it may have been committed',
    module: 'commit/certainty.ts',
    replace: () => ({ isCertain: () => true }),
    change: { ...ROUGH, impatient: 0.5, appendsPerWriter: 6 },
    within: 100,
    shows: /is missing/,
  },
  {
    off: 'custody: a version is built upon however long ago it was seen alive',
    module: 'commit/custody.ts',
    replace: () => ({ inCustody: () => true, ageMs: () => 0 }),
    change: SLEEPY,
    within: 60,
    shows: /was acknowledged|is missing/,
  },
  {
    off: 'the ledger: what was folded is folded again',
    module: 'commit/window.ts',
    replace: (original: typeof rules) =>
      by(original, (ledger) => ({ ...ledger, entries: ledger.entries.map((one) => ({ ...one, folded: [] })) })),
    change: CROWDED,
    within: 20,
    shows: /is in the table \d+ times|lists .* twice/,
  },
  {
    off: 'the cancellation: what was cancelled is folded',
    module: 'commit/window.ts',
    replace: (original: typeof rules) =>
      by(original, (ledger) => ({ ...ledger, entries: ledger.entries.map((one) => ({ ...one, cancelled: [] })) })),
    change: REDELIVERED,
    within: 150,
    shows: /is in the table \d+ times|with different snapshots|is lost|has not its snapshot/,
  },
  {
    off: 'the window: an intent is folded however old its base is',
    module: 'commit/window.ts',
    replace: (original: typeof rules) => by(original, (ledger) => ({ ...ledger, window: 1_000_000 })),
    change: { ...CROWDED, appendsPerWriter: 6, stops: 0.5, foreignCommits: 20 },
    within: 60,
    shows: /is in the table \d+ times|lists .* twice|was refused with certainty and is there/,
  },
  {
    off: 'the floor: intents from before a lost ledger are folded',
    module: 'commit/window.ts',
    replace: (original: typeof rules) => by(original, (ledger) => ({ ...ledger, floor: 0 })),
    change: { ...CROWDED, foreignCommits: 12 },
    within: 60,
    shows: /is in the table \d+ times|lists .* twice|was refused with certainty and is there/,
  },
  {
    off: 'the end of the window: an append counts as lost while it may still be folded',
    module: 'commit/window.ts',
    replace: (original: typeof rules) => ({
      verdictAt: (...[intent, ledger, version]: Parameters<typeof rules.verdictAt>) =>
        original.verdictAt(intent, { ...ledger, window: 3 }, version),
    }),
    change: CROWDED,
    within: 5,
    shows: /is in the table \d+ times|lists .* twice|was refused with certainty and is there/,
  },
  {
    off: "claims: an idempotency key is nobody's",
    module: 'commit/claims.ts',
    replace: (original: typeof claims) => ({
      KeyClaims: class extends original.KeyClaims {
        override async acquire(): Promise<void> {}
      },
    }),
    change: REDELIVERED,
    within: 20,
    shows: /is in the table \d+ times|with different snapshots/,
  },
  {
    off: 'the etag of the hint: whoever comes last writes it',
    module: 'commit/hint.ts',
    replace: () => ({ HintWriter: BlindHint }),
    change: CROWDED,
    within: 20,
    shows: /moved the hint back/,
  },
  {
    off: 'the age of versions: a drop deletes those that writers know',
    module: 'table/superseded.ts',
    replace: () => ({
      supersededVersions: (versions: readonly { version: number }[], end: number) =>
        versions.filter(({ version }) => version < end),
    }),
    change: { ...CROWDED, drops: 2, stops: 0.3 },
    within: 150,
    shows: /was acknowledged to/,
  },
  {
    off: 'the age of files: a version names what was written days ago',
    module: 'commit/unnamed.ts',
    replace: () => ({ checkNamedInTime: () => undefined, isOverdue: () => false }),
    change: { ...SLEEPY, writers: 4, partitioned: true, maxRows: 10 },
    within: 60,
    shows: /is missing/,
  },
]

/** The rules of folding, with a ledger that is read otherwise. */
function by(original: typeof rules, changed: (ledger: Ledger) => Ledger) {
  return {
    mayFold: (...[intent, ledger, next]: Parameters<typeof rules.mayFold>) =>
      original.mayFold(intent, changed(ledger), next),
    foldable: <T extends IntentName>(published: readonly T[], ledger: Ledger, next: number) =>
      original.foldable(published, changed(ledger), next),
    decidedIn: (ledger: Ledger) => original.decidedIn(changed(ledger)),
    chooseCandidates: (...[published, own, ledger, next, room]: Parameters<typeof rules.chooseCandidates>) =>
      original.chooseCandidates(published, own, changed(ledger), next, room),
  }
}

class BlindHint {
  readonly #place: Place
  #done: Promise<unknown> = Promise.resolve()

  constructor(place: Place) {
    this.#place = place
  }

  raise(version: number): void {
    const put = this.#place.store.put(keyIn(this.#place, HINT_NAME), encodeHint(version)).catch(() => undefined)
    this.#done = Promise.all([this.#done, put])
  }

  async flush(): Promise<void> {
    await this.#done
  }
}

/** A store that cannot be asked what became of a create. */
function onlyCreates<S extends object>(store: S): S {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'get' || name === 'head') return async () => undefined
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

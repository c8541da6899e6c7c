/**
 * Protections of the library, each with a way to switch it off. A module is replaced by its own exports with some of them
 * changed; everybody who imports it gets these.
 */
import type * as create from '../../src/commit/create-version.ts'
import type * as peek from '../../src/commit/peek.ts'
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
  network: { failing: 0.08, hanging: 0.02, slow: 0.05, repeated: 0.08, latencyMs: 15, outage: undefined },
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
    shows: /was acknowledged/,
  },
]

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

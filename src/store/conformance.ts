/** What every store must do, as cases that any test runner can run: put your own store through them. */
import type { Subject } from './conformance-assert.ts'
import { LISTING_CASES } from './conformance-listings.ts'
import { OBJECT_CASES } from './conformance-objects.ts'
import type { ObjectStore } from './store.ts'

/** A store to be put through the suite. Everything is written under `prefix`, which must be empty. */
export interface ConformanceTarget {
  readonly store: ObjectStore
  readonly prefix: string
}

export interface ConformanceCase {
  /** The behaviour that it checks. */
  readonly name: string
  /** Rejects, saying what was expected and what was found. Leaves objects behind under the prefix. */
  run(target: ConformanceTarget): Promise<void>
}

/**
 * The cases; each writes to a part of the prefix of its own, so that they may run in any order, or at once. About 3,000
 * requests and 300 MiB in all.
 *
 * @example
 * ```ts
 * import { memoryStore, storeConformance } from 'datashard/store'
 *
 * const store = memoryStore() // or your own
 * for (const { name, run } of storeConformance()) {
 *   await run({ store, prefix: 'conformance' })
 *   console.log('passed:', name)
 * }
 * ```
 */
export function storeConformance(): readonly ConformanceCase[] {
  return [...OBJECT_CASES, ...LISTING_CASES].map(([name, run], index) => ({
    name,
    run: ({ store, prefix }) => {
      const subject: Subject = { store, at: (key) => `${prefix}/${index}/${key}` }
      return run(subject)
    },
  }))
}

/** How old an object must be before a sweep may delete it, by the store's clock. Less than the minimum is refused. */
import { invalid } from '../errors.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** An intent that nobody folded for so long is not folded any more; a hold of that age has no owner. */
export const FORGOTTEN_MS = HOUR_MS

/** Ages in milliseconds. What is left out has its default, which for `versions` and `claims` is also the least. */
export interface SweepAges {
  /**
   * Since a version was superseded; also how long a reader may go on with a state that has been expired since. Default and
   * least 24 h.
   */
  readonly versions?: number
  /** Since a file that nothing names was written. Longer than any append or transaction may take. Default 3 days, least 24 h. */
  readonly orphans?: number
  /** How long an idempotency key is remembered. Default and least 14 days. */
  readonly claims?: number
}

const DEFAULTS: Readonly<Record<keyof SweepAges, number>> = {
  versions: DAY_MS,
  orphans: 3 * DAY_MS,
  claims: 14 * DAY_MS,
}
const LEAST: Readonly<Record<keyof SweepAges, number>> = {
  versions: DAY_MS,
  orphans: DAY_MS,
  claims: 14 * DAY_MS,
}

const AGES: OptionNames<SweepAges> = { versions: true, orphans: true, claims: true }

/** @throws `invalid-argument` for an age below its least. */
export function checkAges(given: SweepAges = {}): Required<SweepAges> {
  checkOptions('minAgeMs', given, AGES)
  const ages = { ...DEFAULTS, ...given }
  for (const name of ['versions', 'orphans', 'claims'] as const) {
    if (typeof ages[name] !== 'number' || !(ages[name] >= LEAST[name])) {
      invalid(`found ${String(ages[name])} as minAgeMs.${name}; a sweep is safe from ${LEAST[name]} ms on`)
    }
  }
  // Files of snapshots that came and went within the time that readers have are told by their age alone.
  if (given.orphans !== undefined && given.orphans < ages.versions) {
    invalid(`found minAgeMs.orphans ${given.orphans} below minAgeMs.versions ${ages.versions}; make it as long`)
  }
  return { ...ages, orphans: Math.max(ages.orphans, ages.versions) }
}

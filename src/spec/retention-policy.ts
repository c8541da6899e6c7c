/** How much history a table keeps by itself, as its properties say (Iceberg docs: "Configuration", `history.expire.*`). */
import { invalid } from '../errors.ts'
import { integerProperty } from './properties-read.ts'

type Properties = Readonly<Record<string, string>>

/**
 * What a commit keeps. The properties, their defaults and limits:
 *
 * | property | default | allowed |
 * |---|---|---|
 * | `datashard.retention` | `ladder` | `ladder`, `none` (nothing is ever removed by a commit) |
 * | `datashard.retention.thin-from` | 300 | 1 to 10,000 snapshots; a table with fewer is left alone |
 * | `datashard.retention.tail-age-ms` | 300,000 | 0 to 86,400,000 |
 * | `datashard.retention.tail-min` | 100 | 1 to 10,000 snapshots |
 * | `datashard.retention.tail-max` | 500 | 1 to 10,000 snapshots, not below `tail-min` |
 * | `datashard.retention.minutes` | 60 | 0 to 1,440 |
 * | `datashard.retention.hours` | 24 | 0 to 720 |
 * | `datashard.retention.days` | 90 | 0 to 3,650 |
 * | `history.expire.max-snapshot-age-ms` | not set | all snapshots that are younger are kept, without a limit |
 * | `history.expire.min-snapshots-to-keep` | not set | as many of each branch are kept, without a limit |
 * | `history.expire.max-ref-age-ms` | not set | tags and branches whose snapshot is older go |
 * | `gc.enabled` | `true` | `false` means `datashard.retention=none` |
 */
export interface RetentionPolicy {
  readonly mode: 'ladder' | 'none'
  readonly thinFrom: number
  readonly tailAgeMs: number
  readonly tailMin: number
  readonly tailMax: number
  readonly minutes: number
  readonly hours: number
  readonly days: number
  /** The Iceberg properties, only where they are set: their defaults are for expiry on demand. */
  readonly maxSnapshotAgeMs: number | undefined
  readonly minSnapshotsToKeep: number | undefined
  readonly maxRefAgeMs: number | undefined
}

const PREFIX = 'datashard.retention'
const DAY_MS = 86_400_000
const MOST_SNAPSHOTS = 10_000

/** @throws `invalid-argument` naming the property, what was found, and what is allowed. */
export function retentionPolicy(properties: Properties): RetentionPolicy {
  const own = (name: string, fallback: number, min: number, max: number) =>
    integerProperty(properties, `${PREFIX}.${name}`, fallback, min, max)
  const isSet = (name: string) => properties[`${PREFIX}.${name}`] !== undefined
  const min = own('tail-min', 100, 1, MOST_SNAPSHOTS)
  const max = own('tail-max', 500, 1, MOST_SNAPSHOTS)
  if (min > max && isSet('tail-min') && isSet('tail-max')) {
    invalid(`table property '${PREFIX}.tail-min' is ${min}, above '${PREFIX}.tail-max', which is ${max}`)
  }
  return {
    mode: modeOf(properties),
    thinFrom: own('thin-from', 300, 1, MOST_SNAPSHOTS),
    tailAgeMs: own('tail-age-ms', 5 * 60_000, 0, DAY_MS),
    // One that is set alone moves the default of the other.
    tailMin: isSet('tail-min') ? min : Math.min(min, max),
    tailMax: isSet('tail-max') ? max : Math.max(min, max),
    minutes: own('minutes', 60, 0, 1_440),
    hours: own('hours', 24, 0, 720),
    days: own('days', 90, 0, 3_650),
    maxSnapshotAgeMs: longProperty(properties, 'history.expire.max-snapshot-age-ms'),
    minSnapshotsToKeep: longProperty(properties, 'history.expire.min-snapshots-to-keep'),
    maxRefAgeMs: longProperty(properties, 'history.expire.max-ref-age-ms'),
  }
}

/** Java's default for the age of refs is the largest long, and is also set explicitly. */
function longProperty(properties: Properties, name: string): number | undefined {
  const text = properties[name]
  if (text === undefined) return undefined
  if (!/^\d{1,19}$/.test(text)) invalid(`table property '${name}' is '${text}', expected an integer of at least 0`)
  return Number(text)
}

function modeOf(properties: Properties): 'ladder' | 'none' {
  const mode = properties[PREFIX] ?? 'ladder'
  if (mode !== 'ladder' && mode !== 'none') {
    invalid(`table property '${PREFIX}' is '${mode}', expected 'ladder' or 'none'`)
  }
  // Java, too, expires nothing from such a table; its files may belong to another one.
  return properties['gc.enabled']?.toLowerCase() === 'false' ? 'none' : mode
}

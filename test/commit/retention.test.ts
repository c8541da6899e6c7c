import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retain, STRAYS_MAX } from '../../src/commit/retention.ts'
import { ancestorsOf } from '../../src/spec/lineage.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { metadataFromJson, metadataToJson } from '../../src/spec/metadata-json.ts'
import type { TableUpdate } from '../../src/spec/updates.ts'
import {
  apply,
  DAY,
  grow,
  history,
  HOUR,
  idsOf,
  MINUTE,
  pointing,
  SECOND,
  START_MS,
  thin,
} from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

/** What the policy says of a main that has nothing but commits: 500 + 60 + 24 + 90. */
const MAIN_MAX = 674

/** Thinned out by every commit, not only from 300 snapshots on. */
const ALWAYS = { 'datashard.retention.thin-from': '1' }

const removedIds = (updates: readonly TableUpdate[]) =>
  updates.flatMap((update) => (update.action === 'remove-snapshots' ? update.snapshotIds : []))

const chainLength = (metadata: TableMetadata) => ancestorsOf(metadata.snapshots, metadata.currentSnapshotId).length

const agesOf = (metadata: TableMetadata, nowMs: number, lengthMs: number) =>
  metadata.snapshots.map(({ timestampMs }) => Math.floor(nowMs / lengthMs) - Math.floor(timestampMs / lengthMs))

describe('the snapshots that a commit removes', () => {
  test('none while there are fewer than 300', () => {
    const { metadata, nowMs } = history(sampleMetadata(), 299, DAY, false)
    expect(retain(metadata, nowMs)).toEqual([])
    expect(removedIds(retain(grow(metadata, nowMs + DAY), nowMs + DAY)).length).toBeGreaterThan(0)
  })

  test('a busy table keeps 500 without a gap, then one a minute for an hour', () => {
    const hour = history(sampleMetadata(), 1_800, 2 * SECOND)
    const { metadata, nowMs } = history(hour.metadata, 700, SECOND / 2, true, hour.nowMs)
    // Five minutes are 600 commits.
    expect(chainLength(metadata)).toBe(500)
    const minutes = new Set(agesOf(metadata, nowMs, MINUTE).filter((age) => age >= 5))
    expect([...minutes].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 55 }, (_, i) => i + 5))
    expect(metadata.snapshots.length).toBeLessThanOrEqual(500 + 60 + 2)
  })

  test('a table of one commit a minute keeps 100 without a gap, then one an hour', () => {
    const { metadata, nowMs } = history(sampleMetadata(ALWAYS), 3 * 1440, MINUTE)
    expect(chainLength(metadata)).toBe(100)
    const hours = agesOf(metadata, nowMs, HOUR)
    for (let hour = 3; hour < 24; hour++) expect(hours.filter((age) => age === hour)).toHaveLength(1)
    expect(new Set(agesOf(metadata, nowMs, DAY))).toEqual(new Set([0, 1, 2, 3]))
  })

  test('what is kept of a minute, an hour or a day is its last snapshot', () => {
    const { metadata, nowMs } = history(sampleMetadata(ALWAYS), 9_000, 10 * SECOND)
    const old = metadata.snapshots.slice(0, -100)
    for (const { timestampMs } of old) {
      const lengthMs = timestampMs <= nowMs - DAY ? DAY : timestampMs <= nowMs - HOUR ? HOUR : MINUTE
      // The next commit, 10 s later, was in another one.
      expect(Math.floor((timestampMs + 10 * SECOND) / lengthMs)).toBe(Math.floor(timestampMs / lengthMs) + 1)
    }
    expect(old.length).toBeGreaterThan(40)
  })

  test('nothing older than 90 days is kept but for the newest 100', () => {
    const { metadata, nowMs } = history(sampleMetadata(ALWAYS), 2_000, 3 * HOUR)
    expect(Math.max(...agesOf(metadata, nowMs, DAY))).toBeLessThan(90)
    expect(metadata.snapshots.length).toBeGreaterThanOrEqual(100)
    const { metadata: rare } = history(sampleMetadata(ALWAYS), 400, 30 * DAY)
    expect(rare.snapshots).toHaveLength(100)
  })

  test.for([
    [67, 2_000],
    [SECOND, 2_000],
    [7 * SECOND, 5_000],
    [MINUTE, 5_000],
    [HOUR, 4_000],
    [DAY, 1_000],
  ] as const)('one commit each %d ms: never more than the bound, parents as they were', ([everyMs, commits]) => {
    const { metadata } = history(sampleMetadata(), commits, everyMs)
    expect(metadata.snapshots.length).toBeLessThanOrEqual(MAIN_MAX)
    expect(metadata.snapshots.every((one) => one.parentSnapshotId === one.snapshotId - 1n)).toBe(true)
    const log = metadata.snapshotLog.map(({ snapshotId }) => snapshotId)
    expect(log).toEqual(idsOf(metadata).slice(-log.length))
    expect(log.length).toBe(chainLength(metadata))
    expect(metadataFromJson(metadataToJson(metadata)).snapshots).toHaveLength(metadata.snapshots.length)
  })

  test('the worst rate reaches the bound and stays below it', () => {
    const { metadata } = history(sampleMetadata(), 300, DAY)
    let next = metadata
    let nowMs = START_MS + 300 * DAY
    let most = 0
    for (const [everyMs, count] of [
      [10 * MINUTE, 300],
      [6 * SECOND, 800],
      [SECOND / 10, 2_000],
    ] as const) {
      for (let i = 0; i < count; i++) {
        next = thin(grow(next, (nowMs += everyMs)), nowMs)
        most = Math.max(most, next.snapshots.length)
      }
    }
    expect(most).toBeLessThanOrEqual(MAIN_MAX)
    expect(most).toBeGreaterThan(640)
  })

  test('at a steady rate a commit removes about one', () => {
    let { metadata, nowMs } = history(sampleMetadata(), 2_000, SECOND / 2)
    const counts: number[] = []
    for (let i = 0; i < 500; i++) {
      metadata = grow(metadata, (nowMs += SECOND / 2))
      const updates = retain(metadata, nowMs)
      counts.push(removedIds(updates).length)
      metadata = apply(metadata, updates, nowMs)
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(3)
  })

  test('a clock that is behind keeps more, and one that was ahead costs nothing and breaks no bound', () => {
    const { metadata, nowMs } = history(sampleMetadata(), 1_000, HOUR, false)
    const right = idsOf(thin(metadata, nowMs))
    expect(idsOf(thin(metadata, nowMs - 30 * DAY))).toEqual(expect.arrayContaining(right))
    // Somebody's clock was a year ahead; snapshots that follow are not before it.
    let ahead = metadata
    for (let i = 1; i <= 2_000; i++) ahead = thin(grow(ahead, nowMs + 365 * DAY + i * MINUTE), nowMs + i)
    expect(ahead.snapshots.length).toBeLessThanOrEqual(MAIN_MAX)
    let once = grow(metadata, nowMs + 365 * DAY)
    for (let i = 0; i < 99; i++) once = grow(once, nowMs + 365 * DAY + i)
    expect(idsOf(thin(once, nowMs)).filter((id) => right.includes(id)).length).toBeGreaterThan(50)
  })
})

describe('tags and branches', () => {
  const tagged = (at: number, ref: object = {}) => {
    const { metadata, nowMs } = history(sampleMetadata(), 1_000, MINUTE, false)
    const snapshotId = metadata.snapshots[at]!.snapshotId
    return {
      nowMs,
      snapshotId,
      metadata: apply(metadata, [pointing('one', snapshotId, { type: 'tag', ...ref })], nowMs),
    }
  }

  test('a tagged snapshot stays', () => {
    const { metadata, nowMs, snapshotId } = tagged(17)
    expect(idsOf(thin(metadata, nowMs))).toContain(snapshotId)
  })

  test('a tag past its age goes, and what it named with it; without a limit it stays for ever', () => {
    const { metadata, nowMs, snapshotId } = tagged(17, { maxRefAgeMs: BigInt(HOUR) })
    const next = thin(metadata, nowMs)
    expect(Object.keys(next.refs)).toEqual(['main'])
    expect(idsOf(next)).not.toContain(snapshotId)
    const plain = tagged(17)
    expect(thin(plain.metadata, nowMs + 3650 * DAY).refs['one']).toBeDefined()
    const byTable = apply(
      plain.metadata,
      [{ action: 'set-properties', updates: { 'history.expire.max-ref-age-ms': '3600000' } }],
      nowMs,
    )
    expect(Object.keys(thin(byTable, nowMs).refs)).toEqual(['main'])
  })

  test('a branch keeps its own snapshots and where it left main', () => {
    let { metadata, nowMs } = history(sampleMetadata(), 400, MINUTE, false)
    const fork = metadata.currentSnapshotId!
    metadata = apply(metadata, [pointing('audit', fork)], nowMs)
    for (let i = 0; i < 20; i++) metadata = grow(metadata, (nowMs += MINUTE), 'audit')
    const own = idsOf(metadata).slice(-20)
    for (let i = 0; i < 2_000; i++) metadata = thin(grow(metadata, (nowMs += SECOND)), nowMs)
    expect(idsOf(metadata)).toEqual(expect.arrayContaining([fork, ...own]))
    expect(metadata.snapshots.length).toBeLessThanOrEqual(MAIN_MAX + 21)
  })

  test('a branch that says what it keeps keeps that, of main too', () => {
    const { metadata, nowMs } = history(sampleMetadata(), 1_000, MINUTE, false)
    const ids = idsOf(metadata)
    const asked = apply(
      metadata,
      [
        pointing('by-count', ids[200]!, { minSnapshotsToKeep: 30 }),
        pointing('by-age', ids[400]!, { maxSnapshotAgeMs: BigInt(650 * MINUTE) }),
      ],
      nowMs,
    )
    const left = idsOf(thin(asked, nowMs))
    expect(left).toEqual(expect.arrayContaining(ids.slice(171, 201)))
    expect(left).toEqual(expect.arrayContaining(ids.slice(349, 401)))
    expect(left).not.toContain(ids[170])
    expect(left).not.toContain(ids[348])
  })

  test('a staged snapshot lives as long as the tail, and there are never more than 100', () => {
    let { metadata, nowMs } = history(sampleMetadata(), 400, SECOND)
    const staged = stage(metadata, (nowMs += SECOND))
    expect(idsOf(thin(staged.metadata, nowMs))).toContain(staged.id)
    let busy = staged.metadata
    for (let i = 0; i < 600; i++) busy = thin(grow(busy, (nowMs += SECOND)), nowMs)
    expect(idsOf(busy)).not.toContain(staged.id)
    let many = metadata
    for (let i = 0; i < 300; i++) many = thin(stage(many, (nowMs += SECOND)).metadata, nowMs)
    expect(many.snapshots.length - chainLength(many)).toBeLessThanOrEqual(STRAYS_MAX + 60 + 24 + 90)
  })
})

function stage(metadata: TableMetadata, nowMs: number) {
  const grown = grow(metadata, nowMs, 'staged')
  return {
    id: grown.snapshots.at(-1)!.snapshotId,
    metadata: apply(grown, [{ action: 'remove-snapshot-ref', name: 'staged' }], nowMs),
  }
}

describe('the properties', () => {
  const left = (properties: Readonly<Record<string, string>>) => {
    const { metadata, nowMs } = history(sampleMetadata(properties), 1_000, MINUTE, false)
    return thin(metadata, nowMs)
  }

  test('none keeps everything, and so does a table whose files may belong to another one', () => {
    expect(left({ 'datashard.retention': 'none' }).snapshots).toHaveLength(1_000)
    expect(left({ 'gc.enabled': 'false' }).snapshots).toHaveLength(1_000)
  })

  test('what Iceberg is told to keep is kept whole, and nothing less than without it', () => {
    const plain = idsOf(left({}))
    for (const [properties, count] of [
      [{ 'history.expire.max-snapshot-age-ms': String(500 * MINUTE) }, 501],
      [{ 'history.expire.min-snapshots-to-keep': '700' }, 700],
      [{ 'history.expire.max-snapshot-age-ms': '1', 'history.expire.min-snapshots-to-keep': '1' }, 100],
    ] as const) {
      const table = left(properties)
      expect(chainLength(table), JSON.stringify(properties)).toBe(count)
      expect(idsOf(table)).toEqual(expect.arrayContaining(plain))
    }
  })

  test('each number can be changed', () => {
    const tail = { 'datashard.retention.tail-min': '5', 'datashard.retention.tail-age-ms': '0' }
    const steps = {
      'datashard.retention.minutes': '10',
      'datashard.retention.hours': '2',
      'datashard.retention.days': '0',
    }
    const table = left({ ...tail, ...steps })
    expect(table.snapshots.length).toBeLessThanOrEqual(5 + 10 + 2)
    expect(left({ 'datashard.retention.tail-max': '7' }).snapshots.length).toBeLessThan(200)
    expect(chainLength(left({ ...tail, ...steps, 'datashard.retention.minutes': '0' }))).toBe(5)
    expect(left({ 'datashard.retention.thin-from': '2000' }).snapshots).toHaveLength(1_000)
  })

  test.for([
    ['datashard.retention', 'ladders', /expected 'ladder' or 'none'/],
    ['datashard.retention.minutes', '-1', /expected an integer from 0 to 1440/],
    ['datashard.retention.days', '', /is '', expected an integer from 0 to 3650/],
    ['datashard.retention.tail-max', '0', /from 1 to 10000/],
    ['history.expire.min-snapshots-to-keep', 'many', /expected an integer of at least 0/],
  ] as const)('%s = %j is refused', ([name, value, message]) => {
    expect(() => left({ [name]: value })).toThrow(message)
  })

  test('a tail with more at least than at most is refused; the largest long, as Java writes it, is not', () => {
    const both = { 'datashard.retention.tail-min': '20', 'datashard.retention.tail-max': '10' }
    expect(() => left(both)).toThrow(/tail-min' is 20, above 'datashard.retention.tail-max', which is 10/)
    expect(left({ 'history.expire.max-ref-age-ms': '9223372036854775807' }).refs['main']).toBeDefined()
  })
})

/** Histories with branches, tags, staged snapshots and returns to an older one, at every rate. */
interface Step {
  readonly kind: 'main' | 'branch' | 'tag' | 'staged' | 'rollback' | 'drop'
  readonly count: number
  readonly everyMs: number
  readonly pick: number
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('main', 'main', 'main', 'branch', 'tag', 'staged', 'rollback', 'drop'),
    count: fc.integer({ min: 1, max: 60 }),
    everyMs: fc.constantFrom(10, SECOND, 20 * SECOND, MINUTE, 20 * MINUTE, 5 * HOUR, 2 * DAY),
    pick: fc.nat(1_000),
  }),
  { minLength: 3, maxLength: 14 },
)
const properties = fc.record(
  {
    'datashard.retention.thin-from': fc.constantFrom('1', '20'),
    'datashard.retention.tail-min': fc.constantFrom('1', '3', '20'),
    'datashard.retention.tail-max': fc.constantFrom('20', '40'),
    'datashard.retention.minutes': fc.constantFrom('0', '5', '60'),
    'datashard.retention.hours': fc.constantFrom('0', '3'),
    'history.expire.max-snapshot-age-ms': fc.constantFrom('1', String(HOUR)),
    'history.expire.min-snapshots-to-keep': fc.constantFrom('1', '25'),
    'history.expire.max-ref-age-ms': fc.constantFrom(String(10 * HOUR), String(100 * DAY)),
  },
  { requiredKeys: ['datashard.retention.thin-from', 'datashard.retention.tail-min', 'datashard.retention.tail-max'] },
)

function play(run: readonly Step[], given: Readonly<Record<string, string>>, thinEach: boolean) {
  let metadata = history(sampleMetadata(given), 5, SECOND, false).metadata
  let nowMs = START_MS + 5 * SECOND
  const each = (next: TableMetadata) => void (metadata = thinEach ? thin(next, nowMs) : next)
  for (const { kind, count, everyMs, pick } of run) {
    const picked = metadata.snapshots[pick % metadata.snapshots.length]!.snapshotId
    if (kind === 'tag') each(apply(metadata, [pointing(`t${pick % 3}`, picked, { type: 'tag' })], nowMs))
    else if (kind === 'rollback') each(apply(metadata, [pointing('main', picked)], (nowMs += everyMs)))
    else if (kind === 'drop') each(apply(metadata, [{ action: 'remove-snapshot-ref', name: `b${pick % 2}` }], nowMs))
    else {
      const branch = kind === 'branch' ? `b${pick % 2}` : 'main'
      if (metadata.refs[branch] === undefined) each(apply(metadata, [pointing(branch, picked)], nowMs))
      for (let i = 0; i < count; i++) {
        nowMs += everyMs
        each(kind === 'staged' ? stage(metadata, nowMs).metadata : grow(metadata, nowMs, branch))
      }
    }
  }
  return { metadata, nowMs }
}

describe('any history', () => {
  test('applied, it leaves nothing to remove, and refs, the current snapshot and its chain are whole', () => {
    fc.assert(
      fc.property(steps, properties, fc.boolean(), (run, given, thinEach) => {
        const { metadata, nowMs } = play(run, given, thinEach)
        const updates = retain(metadata, nowMs)
        const next = apply(metadata, updates, nowMs)
        expect(retain(next, nowMs)).toEqual([])
        expect(retain(metadata, nowMs)).toEqual(updates)
        const left = new Set(idsOf(next))
        for (const { snapshotId } of Object.values(next.refs)) expect(left).toContain(snapshotId)
        expect(next.currentSnapshotId).toBe(metadata.currentSnapshotId)
        const log = next.snapshotLog.map(({ snapshotId }) => snapshotId)
        expect(log.every((id) => left.has(id))).toBe(true)
        expect(log.at(-1)).toBe(next.currentSnapshotId)
        const whole = Math.min(chainLength(metadata), Number(given['datashard.retention.tail-min']))
        expect(chainLength(next)).toBeGreaterThanOrEqual(whole)
        metadataFromJson(metadataToJson(next))
      }),
      { numRuns: 150 },
    )
  })

  test('what is removed at one time would also be removed later', () => {
    fc.assert(
      fc.property(steps, properties, fc.integer({ min: 0, max: 3 * DAY }), (run, given, laterMs) => {
        const { metadata, nowMs } = play(run, given, false)
        const later = new Set(removedIds(retain(metadata, nowMs + laterMs)))
        for (const id of removedIds(retain(metadata, nowMs))) expect(later).toContain(id)
      }),
      { numRuns: 100 },
    )
  })
})

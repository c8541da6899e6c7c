import { describe, expect, test } from 'vitest'
import { retentionPolicy } from '../../src/spec/retention-policy.ts'
import { caught } from './caught.ts'

const DEFAULTS = {
  mode: 'ladder',
  thinFrom: 300,
  tailAgeMs: 300_000,
  tailMin: 100,
  tailMax: 500,
  minutes: 60,
  hours: 24,
  days: 90,
  maxSnapshotAgeMs: undefined,
  minSnapshotsToKeep: undefined,
  maxRefAgeMs: undefined,
}

type Properties = Readonly<Record<string, string>>
const own = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).map(([name, value]) => [`datashard.retention.${name}`, value]))

describe('retention', () => {
  test.for<[Properties, object]>([
    [{}, {}],
    [{ 'write.format.default': 'parquet' }, {}],
    [{ 'datashard.retention': 'ladder' }, {}],
    [{ 'datashard.retention': 'none' }, { mode: 'none' }],
    [{ 'gc.enabled': 'true' }, {}],
    [{ 'gc.enabled': 'false' }, { mode: 'none' }],
    [{ 'gc.enabled': 'FALSE', 'datashard.retention': 'ladder' }, { mode: 'none' }],
    [{ 'gc.enabled': 'true', 'datashard.retention': 'none' }, { mode: 'none' }],
    [own({ 'thin-from': '7' }), { thinFrom: 7 }],
    [own({ minutes: '1', hours: '2', days: '3' }), { minutes: 1, hours: 2, days: 3 }],
    [own({ 'tail-min': '200' }), { tailMin: 200 }],
    [own({ 'tail-max': '200' }), { tailMax: 200 }],
    [own({ 'tail-min': '20', 'tail-max': '30' }), { tailMin: 20, tailMax: 30 }],
    [own({ 'tail-min': '30', 'tail-max': '30' }), { tailMin: 30, tailMax: 30 }],
    [{ 'history.expire.max-snapshot-age-ms': '432000000' }, { maxSnapshotAgeMs: 432_000_000 }],
    [{ 'history.expire.min-snapshots-to-keep': '0' }, { minSnapshotsToKeep: 0 }],
    // What Java writes for "never".
    [{ 'history.expire.max-ref-age-ms': '9223372036854775807' }, { maxRefAgeMs: 2 ** 63 }],
  ])('%o', ([properties, expected]) => {
    expect(retentionPolicy(properties)).toEqual({ ...DEFAULTS, ...expected })
  })

  test('a tail limit that is set alone moves the default of the other', () => {
    expect(retentionPolicy(own({ 'tail-min': '600' }))).toMatchObject({ tailMin: 600, tailMax: 600 })
    expect(retentionPolicy(own({ 'tail-max': '50' }))).toMatchObject({ tailMin: 50, tailMax: 50 })
  })

  test('a tail whose smallest is above its largest is refused', () => {
    const error = caught(() => retentionPolicy(own({ 'tail-min': '31', 'tail-max': '30' })))
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toMatch(/tail-min' is 31.*tail-max', which is 30/)
  })
})

describe('limits', () => {
  test.for([
    ['thin-from', 'thinFrom', 1, 10_000],
    ['tail-age-ms', 'tailAgeMs', 0, 86_400_000],
    ['tail-min', 'tailMin', 1, 10_000],
    ['tail-max', 'tailMax', 1, 10_000],
    ['minutes', 'minutes', 0, 1_440],
    ['hours', 'hours', 0, 720],
    ['days', 'days', 0, 3_650],
  ] as const)('%s is %s, from %d to %d', ([name, field, least, most]) => {
    for (const value of [least, most]) expect(retentionPolicy(own({ [name]: `${value}` }))[field]).toBe(value)
    for (const value of [least - 1, most + 1, 1.5, 'x', '']) {
      const error = caught(() => retentionPolicy(own({ [name]: `${value}` })))
      expect(error?.code).toBe('invalid-argument')
      expect(error?.message).toBe(
        `table property 'datashard.retention.${name}' is '${value}', expected an integer from ${least} to ${most}`,
      )
    }
  })

  const refused = ['', ' ', '-1', '+1', '1.5', '1e3', 'x5', '5x', '5 ', 'five', '99999999999999999999']
  test.for(['max-snapshot-age-ms', 'min-snapshots-to-keep', 'max-ref-age-ms'])(
    'history.expire.%s is a long',
    (name) => {
      const property = `history.expire.${name}`
      for (const text of refused) {
        const error = caught(() => retentionPolicy({ [property]: text }))
        expect(error?.code, text).toBe('invalid-argument')
        expect(error?.message).toContain(`'${property}' is '${text}', expected an integer of at least 0`)
      }
    },
  )

  test.for(['', 'Ladder', 'NONE', 'all'])('datashard.retention cannot be %j', (mode) => {
    // A table that keeps all because of `gc.enabled` is told, too.
    for (const more of [{}, { 'gc.enabled': 'false' }]) {
      const error = caught(() => retentionPolicy({ 'datashard.retention': mode, ...more }))
      expect(error?.code).toBe('invalid-argument')
      expect(error?.message).toBe(`table property 'datashard.retention' is '${mode}', expected 'ladder' or 'none'`)
    }
  })
})

import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { integerProperty } from '../../src/spec/properties-read.ts'
import {
  checkProperties,
  checkPropertyName,
  checkWritable,
  manifestTargetBytes,
  previousVersionsMax,
} from '../../src/spec/properties.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { caught } from './caught.ts'

describe('a property that is an integer', () => {
  const read = (text: string, min: number, max?: number) => integerProperty({ n: text }, 'n', 7, min, max)

  test.for([
    ['0', 0, undefined, 0],
    ['-5', -5, 5, -5],
    ['5', -5, 5, 5],
    ['9007199254740991', 0, undefined, Number.MAX_SAFE_INTEGER],
  ] as const)('%j at least %d, at most %s', ([text, min, max, value]) => {
    expect(read(text, min, max)).toBe(value)
  })

  test('is the fallback if it is not set, even one beyond the limits', () => {
    expect(integerProperty({}, 'n', 7, 10, 20)).toBe(7)
  })

  test.for(['', ' ', '\t\n', 'x', '5x', '1.5', 'NaN', 'Infinity', '4', '11', '9007199254740992'])(
    '%j is refused',
    (text) => {
      const error = caught(() => read(text, 5, 10))
      expect(error?.code).toBe('invalid-argument')
      expect(error?.message).toBe(`table property 'n' is '${text}', expected an integer from 5 to 10`)
    },
  )

  test('is not zero where there is nothing', () => {
    for (const text of ['', ' ']) expect(caught(() => read(text, 0))?.code).toBe('invalid-argument')
  })

  test('without an upper limit, the error names none', () => {
    expect(caught(() => read('-1', 0))?.message).toMatch(/'n' is '-1', expected an integer of at least 0$/)
  })
})

test('the metadata log has 100 entries, or as many as the table says', () => {
  const name = 'write.metadata.previous-versions-max'
  expect(previousVersionsMax({})).toBe(100)
  expect(previousVersionsMax({ [name]: '1' })).toBe(1)
  expect(caught(() => previousVersionsMax({ [name]: '0' }))?.message).toContain(`'${name}' is '0'`)
})

test('the target size of manifests is that of the table, if it has one', () => {
  const name = 'commit.manifest.target-size-bytes'
  expect(manifestTargetBytes({})).toBeUndefined()
  expect(manifestTargetBytes({ [name]: '1024' })).toBe(1024)
  expect(caught(() => manifestTargetBytes({ [name]: '1023' }))?.message).toContain(`'${name}' is '1023'`)
})

const RESERVED = ['datashard.ledger', 'datashard.probe']
const SPEC_RESERVED = [
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-summary',
  'current-snapshot-id',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
]

/** Settings that would break the chain of versions, whoever made them, and whatever their case. */
const UNSAFE: readonly (readonly [name: string, value: string])[] = [
  ['write.metadata.compression-codec', 'gzip'],
  ['write.metadata.compression-codec', 'GZIP'],
  ['write.metadata.compression-codec', ''],
  ['write.metadata.delete-after-commit.enabled', 'true'],
  ['write.metadata.delete-after-commit.enabled', 'TRUE'],
]

/** And what looks like them. */
const SAFE: readonly (readonly [name: string, value: string])[] = [
  ['write.metadata.compression-codec', 'none'],
  ['write.metadata.compression-codec', 'NONE'],
  ['write.metadata.delete-after-commit.enabled', 'false'],
  ['write.metadata.delete-after-commit.enabled', 'FALSE'],
  ['write.parquet.compression-codec', 'gzip'],
]

describe('properties that a user sets', () => {
  const check = (properties: unknown) => caught(() => checkProperties(properties as Record<string, string>))

  test('may be none, and any that nobody knows', () => {
    expect(check({})).toBeUndefined()
    expect(check({ owner: 'me', 'a.b': '', 'FORMAT-VERSION': '2', 'uuid.x': '1' })).toBeUndefined()
  })

  test.for<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, '5 (number)'],
    [5n, '5n (bigint)'],
    ['a=b', "'a=b' (string)"],
    [true, 'true (boolean)'],
    [['a', 'b'], 'an array of 2'],
    [[], 'an array of 0'],
    [new Map([['a', 'b']]), 'a Map of 1'],
  ])('%o is no map of them', ([properties, found]) => {
    const error = check(properties)
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toBe(`table properties are an object of names and texts; found ${found}`)
  })

  test.for([
    [5, "is number; the Iceberg spec allows only strings: use '5'"],
    [true, "is boolean; the Iceberg spec allows only strings: use 'true'"],
    [undefined, 'is undefined'],
    [null, 'is object'],
  ] as const)('%j is no value', ([value, complaint]) => {
    const error = check({ fine: 'x', mine: value })
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(`table property 'mine' ${complaint}`)
  })

  test('one without a name is refused', () => {
    expect(check({ '': 'x' })).toMatchObject({ code: 'invalid-argument', message: 'a table property needs a name' })
  })

  test.for([
    ...RESERVED.map((name) => [name, /belongs to the commit protocol/] as const),
    ...SPEC_RESERVED.map((name) => [name, /reserved by the Iceberg spec/] as const),
  ])('%s cannot be set, nor removed', ([name, reason]) => {
    for (const error of [check({ fine: 'x', [name]: 'x' }), caught(() => checkPropertyName(name))]) {
      expect(error?.code).toBe('invalid-argument')
      expect(error?.message).toContain(`'${name}'`)
      expect(error?.message).toMatch(reason)
    }
  })

  test.for([
    ['datashard.retention', 'sometimes'],
    ['history.expire.max-ref-age-ms', 'never'],
    ['write.metadata.previous-versions-max', '0'],
    ['commit.manifest.target-size-bytes', '8mb'],
  ] as const)("what says nothing is refused at once: %s='%s'", ([name, value]) => {
    const error = check({ [name]: value })
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(`'${name}' is '${value}'`)
  })

  test.for(UNSAFE)("%s='%s' is refused", ([name, value]) => {
    const error = check({ [name]: value })
    expect(error?.code).toBe('unsupported')
    expect(error?.message).toContain(`'${name}'`)
  })

  test.for(SAFE)("%s='%s' is fine", ([name, value]) => {
    expect(check({ [name]: value })).toBeUndefined()
  })
})

describe('tables that can be written to', () => {
  const check = (metadata: TableMetadata) => caught(() => checkWritable(metadata, 'table X'))

  test('are those of format v2', () => {
    expect(check(sampleMetadata())).toBeUndefined()
  })

  test.for([
    [1, /^table X is an Iceberg table of format v1; upgrade it to v2/],
    [3, /^table X is an Iceberg table of format v3, which this version cannot append to/],
  ] as const)('are not those of format v%d', ([formatVersion, message]) => {
    const error = check({ ...sampleMetadata(), formatVersion })
    expect(error?.code).toBe('unsupported')
    expect(error?.message).toMatch(message)
  })

  test.for(UNSAFE)("are not those with %s='%s'", ([name, value]) => {
    const error = check({ ...sampleMetadata(), properties: { [name]: value } })
    expect(error?.code).toBe('unsupported')
    expect(error?.message).toContain(`'${name}'`)
  })

  test.for(SAFE)("may be those with %s='%s'", ([name, value]) => {
    expect(check({ ...sampleMetadata(), properties: { [name]: value } })).toBeUndefined()
  })
})

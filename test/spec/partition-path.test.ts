import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimalToText, doubleToText, floatToText } from '../../src/spec/java-text.ts'
import { toValue } from '../../src/spec/literal.ts'
import { partitionPath, urlEncode } from '../../src/spec/partition-path.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import { bindTransform, parseTransform } from '../../src/spec/transforms.ts'
import { parseType } from '../../src/spec/type-json.ts'
import type { Schema, Type } from '../../src/spec/types.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })

function pathOf(transform: string, typeText: string, input: unknown, name = 'c'): string {
  const type = typeOf(typeText)
  const schema: Schema = { schemaId: 0, fields: [{ id: 1, name: 'source', required: false, type }] }
  const parsed = parseTransform(transform)
  const spec: PartitionSpec = { specId: 0, fields: [{ sourceId: 1, fieldId: 1000, name, transform: parsed }] }
  const value = input === null ? null : bindTransform(parsed, type)(toValue(type, input))
  return partitionPath(spec, schema, [value])
}

describe('paths of partitions are those of Iceberg Java', () => {
  test.each([
    ['year', 'timestamptz', '2017-11-16T22:31:08Z', 'c=2017'],
    ['year', 'date', '-0043-01-01', 'c=-043'],
    ['month', 'date', '1969-12-31', 'c=1969-12'],
    ['month', 'date', '2017-01-31', 'c=2017-01'],
    ['day', 'timestamptz', '2026-01-01T00:00:00Z', 'c=2026-01-01'],
    ['day', 'date', '+10000-01-01', 'c=10000-01-01'],
    ['hour', 'timestamp', '1969-12-31T23:00:00', 'c=1969-12-31-23'],
    ['hour', 'timestamp', '2017-11-16T05:31:08', 'c=2017-11-16-05'],
    ['identity', 'date', '2017-11-16', 'c=2017-11-16'],
    ['identity', 'time', '10:00:00', 'c=10%3A00'],
    ['identity', 'time', '10:00:07', 'c=10%3A00%3A07'],
    ['identity', 'time', '10:00:00.5', 'c=10%3A00%3A00.500'],
    ['identity', 'time', '10:00:00.000001', 'c=10%3A00%3A00.000001'],
    ['identity', 'timestamp', '2017-11-16T10:00:00', 'c=2017-11-16T10%3A00%3A00'],
    ['identity', 'timestamp', '2017-11-16T10:00:00.120', 'c=2017-11-16T10%3A00%3A00.12'],
    ['identity', 'timestamptz', '2017-11-16T10:00:00.000001Z', 'c=2017-11-16T10%3A00%3A00.000001%2B00%3A00'],
    ['identity', 'timestamp_ns', '2017-11-16T10:00:00.000000001', 'c=2017-11-16T10%3A00%3A00.000000001'],
    ['identity', 'timestamptz_ns', '2017-11-16T10:00:00Z', 'c=2017-11-16T10%3A00%3A00%2B00%3A00'],
    ['identity', 'string', 'a b/c=d&e?#%', 'c=a+b%2Fc%3Dd%26e%3F%23%25'],
    ['identity', 'string', 'ü\u{1f600}~', 'c=%C3%BC%F0%9F%98%80%7E'],
    ['identity', 'string', '', 'c='],
    ['identity', 'string', '..', 'c=..'],
    ['identity', 'boolean', false, 'c=false'],
    ['identity', 'int', -5, 'c=-5'],
    ['identity', 'long', 5n, 'c=5'],
    ['identity', 'decimal(9,2)', '-0.5', 'c=-0.50'],
    ['identity', 'decimal(20,10)', '0.0000000001', 'c=1E-10'],
    ['identity', 'double', 1, 'c=1.0'],
    ['identity', 'float', 0.1, 'c=0.1'],
    ['identity', 'uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'c=f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['identity', 'binary', new Uint8Array([255, 0, 1, 2]), 'c=%2FwABAg%3D%3D'],
    ['identity', 'fixed[3]', new Uint8Array([1, 2, 3]), 'c=AQID'],
    ['identity', 'fixed[2]', new Uint8Array([1, 2]), 'c=AQI%3D'],
    ['truncate[3]', 'string', 'iceberg', 'c=ice'],
    ['truncate[50]', 'decimal(9,2)', '10.65', 'c=10.50'],
    ['bucket[16]', 'string', 'iceberg', 'c=9'],
    ['void', 'string', 'iceberg', 'c=null'],
    ['day', 'date', null, 'c=null'],
  ])('%s of %s %s is %s', (transform, type, input, path) => {
    expect(pathOf(transform, type, input)).toBe(path)
  })

  test('several fields are folders in folders; none is no folder', () => {
    const schema: Schema = { schemaId: 0, fields: [{ id: 1, name: 'g', required: false, type: { type: 'string' } }] }
    const spec: PartitionSpec = {
      specId: 0,
      fields: [
        { sourceId: 1, fieldId: 1000, name: 'g', transform: { transform: 'identity' } },
        { sourceId: 9, fieldId: 1001, name: 'gone', transform: { transform: 'identity' } },
        { sourceId: 9, fieldId: 1002, name: 'gone_bytes', transform: { transform: 'identity' } },
        { sourceId: 9, fieldId: 1003, name: 'späte zeit', transform: { transform: 'day' } },
      ],
    }
    expect(partitionPath(spec, schema, ['a', 7n, new Uint8Array([1, 2, 3]), 0])).toBe(
      'g=a/gone=7/gone_bytes=AQID/sp%C3%A4te+zeit=1970-01-01',
    )
    expect(partitionPath({ specId: 0, fields: [] }, schema, [])).toBe('')
  })

  test('a value too long for a file system is cut, and its whole decides the end', () => {
    const one = pathOf('identity', 'string', `${'ü'.repeat(300)}1`)
    const two = pathOf('identity', 'string', `${'ü'.repeat(300)}2`)
    expect(one).not.toBe(two)
    expect(one.length).toBeLessThanOrEqual(240)
    expect(one).toMatch(/^c=(%C3%BC)+(%C3)?-[0-9a-f]{8}$/)
    expect(() => decodeURIComponent(one.replace(/%C3-/, '-'))).not.toThrow()
  })

  test('encoded text has no character that a path or URL could trip over, and says what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = urlEncode(text)
        expect(encoded).toMatch(/^[A-Za-z0-9.*_+%-]*$/)
        expect(decodeURIComponent(encoded.replaceAll('+', '%20'))).toBe(text)
      }),
    )
  })
})

describe('numbers as Java prints them', () => {
  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1.5, '-1.5'],
    [100, '100.0'],
    [1234567.5, '1234567.5'],
    [9999999, '9999999.0'],
    [1e7, '1.0E7'],
    [12345678.9, '1.23456789E7'],
    [0.001, '0.001'],
    [0.00099, '9.9E-4'],
    [1e21, '1.0E21'],
    [1.7976931348623157e308, '1.7976931348623157E308'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('double %d', (value, text) => {
    expect(doubleToText(value)).toBe(text)
  })

  test.each([
    [0.1, '0.1'],
    [1 / 3, '0.33333334'],
    [16777216, '1.6777216E7'],
    [3.4028234663852886e38, '3.4028235E38'],
    [-Infinity, '-Infinity'],
    [0, '0.0'],
  ])('float %d', (value, text) => {
    expect(floatToText(Math.fround(value))).toBe(text)
  })

  test('the text of a double names that double', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(Number(doubleToText(value))).toBe(value)
      }),
    )
  })

  test.each([
    [0n, 0, '0'],
    [0n, 2, '0.00'],
    [0n, 8, '0E-8'],
    [123n, 2, '1.23'],
    [-5n, 2, '-0.05'],
    [1n, 6, '0.000001'],
    [1n, 7, '1E-7'],
    [123n, 10, '1.23E-8'],
  ])('decimal %s at scale %i', (unscaled, scale, text) => {
    expect(decimalToText(unscaled, scale)).toBe(text)
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashValue, murmur3_32 } from '../../src/spec/hash.ts'
import { toValue } from '../../src/spec/literal.ts'
import type { Type } from '../../src/spec/types.ts'

const bytes0123 = new Uint8Array([0, 1, 2, 3])

describe('hash of the spec (appendix B)', () => {
  const vectors: [type: Type, value: unknown, hash: number][] = [
    [{ type: 'int' }, 34, 2017239379],
    [{ type: 'long' }, 34n, 2017239379],
    [{ type: 'decimal', precision: 9, scale: 2 }, '14.20', -500754589],
    [{ type: 'date' }, '2017-11-16', -653330422],
    [{ type: 'time' }, '22:31:08', -662762989],
    [{ type: 'timestamp' }, '2017-11-16T22:31:08', -2047944441],
    [{ type: 'timestamp' }, '2017-11-16T22:31:08.000001', -1207196810],
    [{ type: 'timestamptz' }, '2017-11-16T14:31:08-08:00', -2047944441],
    [{ type: 'timestamptz' }, '2017-11-16T14:31:08.000001-08:00', -1207196810],
    [{ type: 'timestamp_ns' }, '2017-11-16T22:31:08', -2047944441],
    [{ type: 'timestamp_ns' }, '2017-11-16T22:31:08.000001001', -1207196810],
    [{ type: 'timestamptz_ns' }, '2017-11-16T14:31:08-08:00', -2047944441],
    [{ type: 'timestamptz_ns' }, '2017-11-16T14:31:08.000001001-08:00', -1207196810],
    [{ type: 'string' }, 'iceberg', 1210000089],
    [{ type: 'uuid' }, 'F79C3E09-677c-4bbd-a479-3f349cb785e7', 1488055340],
    [{ type: 'fixed', length: 4 }, bytes0123, -188683207],
    [{ type: 'binary' }, bytes0123, -188683207],
    [{ type: 'boolean' }, true, 1392991556],
    [{ type: 'float' }, 1, -142385009],
    [{ type: 'double' }, 1, -142385009],
    [{ type: 'double' }, 0, 1669671676],
    [{ type: 'double' }, -0, 1669671676],
  ]
  test.each(vectors)('%j %s', (type, value, hash) => {
    expect(hashValue(type, toValue(type, value))).toBe(hash)
  })

  test('an int and a long of one value hash alike, so that widening keeps buckets', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
        expect(hashValue({ type: 'int' }, value)).toBe(hashValue({ type: 'long' }, BigInt(value)))
      }),
    )
  })

  test('a float and a double of one value hash alike', () => {
    fc.assert(
      fc.property(fc.float(), (value) => {
        expect(hashValue({ type: 'float' }, value)).toBe(hashValue({ type: 'double' }, value))
      }),
    )
  })

  test.each([
    [[], 0],
    [[0xff, 0xff, 0xff, 0xff], 0x76293b50],
    [[0x21, 0x43, 0x65, 0x87], 0xf55b516b],
    [[0x21, 0x43, 0x65], 0x7e4a8634],
    [[0x21, 0x43], 0xa0f7b07a],
    [[0x21], 0x72661cf4],
    [[0, 0, 0], 0x85f0b427],
    [[0, 0], 0x30f4c306],
    [[0], 0x514e28b7],
  ])('murmur3 of %j, its tail included', (bytes, hash) => {
    expect(murmur3_32(new Uint8Array(bytes)) >>> 0).toBe(hash)
  })
})

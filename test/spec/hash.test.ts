import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashValue, murmur3_32 } from '../../src/spec/hash.ts'
import { toValue } from '../../src/spec/literal.ts'
import type { Type } from '../../src/spec/types.ts'
import { caught } from './caught.ts'

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
    // As the int 0, which hashes as the bits of the double 0.
    [{ type: 'boolean' }, false, 1669671676],
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

  test.for([
    ['test', 0xba6bd213],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ] as const)('the published hash of %j', ([text, hash]) => {
    expect(murmur3_32(utf8(text)) >>> 0).toBe(hash)
    expect(hashValue({ type: 'string' }, text) >>> 0).toBe(hash)
  })
})

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The eight little-endian bytes that the spec has hashed for a number. */
function eightBytes(set: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  set(view)
  return new Uint8Array(view.buffer)
}

describe('the hash is that of the bytes that the spec names', () => {
  const odd = ['', '\0', '\x7f', '\x80', '\xe9', '\u07ff', '\u0800', '\u{fffd}', '\u{1f600}']

  test.for(odd)('for texts of every length with %j at every place', (character) => {
    for (let length = 0; length <= 9; length++)
      for (let at = 0; at <= length; at++) {
        const text = `${'abcdefghi'.slice(0, at)}${character}${'abcdefghi'.slice(at, length)}`
        expect(hashValue({ type: 'string' }, text), JSON.stringify(text)).toBe(murmur3_32(utf8(text)))
      }
  })

  test.for([0.1, -0.1, 1 / 3, Math.PI, 5e-324, -Number.MAX_VALUE, Infinity, -Infinity])(
    'for the double %d',
    (value) => {
      const bytes = eightBytes((view) => view.setFloat64(0, value, true))
      expect(hashValue({ type: 'double' }, value)).toBe(murmur3_32(bytes))
    },
  )

  test('for a NaN of any bits, which is the canonical one', () => {
    const odd = new DataView(new ArrayBuffer(8))
    odd.setBigUint64(0, 0xfff8_0000_0000_0001n)
    const canonical = eightBytes((view) => view.setBigUint64(0, 0x7ff8_0000_0000_0000n, true))
    expect(hashValue({ type: 'double' }, odd.getFloat64(0))).toBe(murmur3_32(canonical))
  })

  test.for([0n, 1n, -1n, 34n, -(2n ** 31n), 2n ** 32n, -(2n ** 32n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    'for the long %d',
    (value) => {
      expect(hashValue({ type: 'long' }, value)).toBe(
        murmur3_32(eightBytes((view) => view.setBigInt64(0, value, true))),
      )
    },
  )
})

describe('nanoseconds hash as the microsecond that they are in', () => {
  test.for([
    [0n, 0n],
    [1n, 0n],
    [999n, 0n],
    [1000n, 1n],
    [1_999n, 1n],
    [-1n, -1n],
    [-999n, -1n],
    [-1000n, -1n],
    [-1001n, -2n],
    [-(2n ** 63n), -9_223_372_036_854_776n],
  ] as const)('%d ns are in %d us', ([nanos, micros]) => {
    const hash = hashValue({ type: 'timestamp' }, micros)
    expect(hashValue({ type: 'timestamp_ns' }, nanos)).toBe(hash)
    expect(hashValue({ type: 'timestamptz_ns' }, nanos)).toBe(hash)
  })
})

test.for<[Type, RegExp]>([
  [{ type: 'unsupported', name: 'variant' }, /variant/],
  [{ type: 'struct', fields: [] }, /struct/],
  [{ type: 'list', elementId: 2, element: { type: 'int' }, elementRequired: true }, /list/],
])('%j has no hash', ([type, named]) => {
  const error = caught(() => hashValue(type, 1))
  expect(error?.code).toBe('unsupported')
  expect(error?.message).toMatch(named)
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AvroReader, AvroWriter } from '../../src/codec/avro-bytes.ts'
import type { AvroValue } from '../../src/codec/avro-decode.ts'
import { compileEncoder } from '../../src/codec/avro-encode.ts'
import { parseAvroSchema } from '../../src/codec/avro-schema.ts'
import { openAvro, writeAvro } from '../../src/codec/avro.ts'
import { stringifyJson } from '../../src/codec/lossless-json.ts'
import type { JsonValue } from '../../src/codec/lossless-json.ts'
import { DataShardError } from '../../src/errors.ts'

const schemaOf = (json: JsonValue) => ({ text: stringifyJson(json), encode: compileEncoder(parseAvroSchema(json)) })
const read = (bytes: Uint8Array) => openAvro(bytes, 'file x').readRecords((record) => record)

const leaf = (schema: JsonValue, values: fc.Arbitrary<AvroValue>) => fc.constant({ schema, values })

/** A schema and values of it, everything that Iceberg writes; `name` makes the names of records unique. */
function typed(depth: number, name: string): fc.Arbitrary<{ schema: JsonValue; values: fc.Arbitrary<AvroValue> }> {
  const decimal = { type: 'fixed', name: `d${name}`, size: 5, logicalType: 'decimal', precision: 11, scale: 2 }
  const uuid = { type: 'fixed', name: `u${name}`, size: 16, logicalType: 'uuid' }
  const leaves = [
    leaf('boolean', fc.boolean()),
    leaf('int', fc.integer()),
    leaf({ type: 'int', logicalType: 'date' }, fc.integer()),
    leaf('long', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    leaf('long', fc.integer().map(BigInt)),
    leaf('float', fc.float()),
    leaf('double', fc.double()),
    leaf('bytes', fc.uint8Array()),
    leaf('string', fc.string({ unit: 'binary' })),
    leaf(decimal, fc.bigInt({ min: -99_999_999_999n, max: 99_999_999_999n })),
    leaf(uuid, fc.uuid()),
    leaf({ type: 'fixed', name: `f${name}`, size: 3 }, fc.uint8Array({ minLength: 3, maxLength: 3 })),
  ]
  if (depth === 0) return fc.oneof(...leaves)
  const inner = (suffix: string) => typed(depth - 1, `${name}_${suffix}`)
  return fc.oneof(
    ...leaves,
    inner('o').map((t) => ({ schema: ['null', t.schema], values: fc.option(t.values) })),
    inner('a').map((t) => ({
      schema: { type: 'array', items: t.schema, 'element-id': 7 },
      values: fc.array(t.values),
    })),
    fc.tuple(inner('k'), inner('v')).map(([key, value]) => ({
      schema: {
        type: 'array',
        logicalType: 'map',
        items: {
          type: 'record',
          name: `p${name}`,
          fields: [
            { name: 'key', type: key.schema, 'field-id': 8 },
            { name: 'value', type: value.schema, 'field-id': 9 },
          ],
        },
      },
      values: fc.array(fc.tuple(key.values, value.values)).map((pairs) => new Map(pairs)),
    })),
    fc.tuple(inner('x'), inner('y')).map((fields) => ({
      schema: {
        type: 'record',
        name: `r${name}`,
        fields: fields.map((field, i) => ({ name: `f${i}`, type: field.schema, 'field-id': i })),
      },
      values: fc.tuple(...fields.map((field) => field.values)),
    })),
  )
}

const files = typed(3, '').chain(({ schema, values }) =>
  fc.record({ schema: fc.constant(schema), records: fc.array(values, { maxLength: 4 }) }),
)

describe('avro', () => {
  test('any records of any type that Iceberg writes are read back equal', () => {
    fc.assert(
      fc.property(files, ({ schema, records }) => {
        const bytes = writeAvro(schemaOf(schema), { a: 'b' }, records)
        const file = openAvro(bytes, 'file x')
        expect(file.readRecords((record) => record)).toEqual(records)
        expect(file.header.get('avro.schema')).toBe(stringifyJson(schema))
        expect(file.header.get('a')).toBe('b')
      }),
    )
  })

  test('the same content makes the same bytes', () => {
    const schema = schemaOf('long')
    expect(writeAvro(schema, {}, [1n, 2n])).toEqual(writeAvro(schema, {}, [1n, 2n]))
    expect(writeAvro(schema, {}, [1n, 2n])).not.toEqual(writeAvro(schema, {}, [1n, 3n]))
  })

  test('large files are compressed in blocks', () => {
    const records = Array.from({ length: 50_000 }, (_, i) => `value ${i}`)
    const bytes = writeAvro(schemaOf('string'), {}, records)
    expect(openAvro(bytes, 'x').header.get('avro.codec')).toBe('deflate')
    expect(bytes.length).toBeLessThan(300_000)
    expect(read(bytes)).toEqual(records)
  })

  test('every flipped bit and every truncation of a file of ours is noticed, or changes nothing', () => {
    const schema = {
      type: 'record',
      name: 'r',
      fields: [
        { name: 'id', type: 'long', 'field-id': 1 },
        { name: 's', type: ['null', 'string'] },
      ],
    }
    const records = [
      [1n, 'one'],
      [2n, null],
      [2n ** 62n, 'x'.repeat(9000)],
    ]
    for (const rows of [records.slice(0, 2), records]) {
      const bytes = writeAvro(schemaOf(schema), { content: 'data' }, rows)
      for (let at = 0; at < bytes.length; at++) {
        const flipped = bytes.slice()
        flipped[at]! ^= 1 << (at % 8)
        expect(['same', 'corrupt']).toContain(outcome(flipped, rows))
        expect(outcome(bytes.subarray(0, at), rows)).toBe('corrupt')
      }
    }
  })

  test('damage in files of other writers never gives anything but a result or `corrupt`', () => {
    const foreign = Buffer.from(FASTAVRO.snappy, 'base64')
    fc.assert(
      fc.property(
        fc.nat(foreign.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(foreign.length),
        (at, mask, end) => {
          const damaged = new Uint8Array(foreign)
          damaged[at]! ^= mask
          expect(['same', 'other', 'corrupt']).toContain(outcome(damaged, []))
          expect(outcome(new Uint8Array(foreign).subarray(0, end), [])).toMatch(/same|other|corrupt/)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('random bytes are refused quickly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        expect(outcome(junk, [])).toBe('corrupt')
        expect(outcome(Uint8Array.of(0x4f, 0x62, 0x6a, 1, ...junk), [])).toBe('corrupt')
      }),
    )
  })

  test('files of fastavro: snappy is read, zstandard where Node can, bzip2 is refused by name', () => {
    const expected = [0, 1, 2].map((i) => [
      BigInt(i) * 10n ** 17n,
      i === 1 ? null : 'snappy '.repeat(20) + i,
      -1234n,
      i % 2 ? 'b' : 'a',
      new Map([['x', i]]),
    ])
    expect(read(Buffer.from(FASTAVRO.snappy, 'base64'))).toEqual(expected)
    const zstd = () => read(Buffer.from(FASTAVRO.zstandard, 'base64'))
    const canZstd = 'zstdDecompressSync' in process.getBuiltinModule('node:zlib')
    const refused = 'file x is compressed with zstandard; Node 22.15 or later can read it'
    expect(canZstd ? zstd() : attempt(zstd)).toEqual(canZstd ? expected : refused)
    expect(() => read(Buffer.from(FASTAVRO.bzip2, 'base64'))).toThrow(/compressed with bzip2/)
  })

  test('blocks with sizes (negative counts) are read', () => {
    const header = new AvroWriter()
    header.fixed(Uint8Array.of(0x4f, 0x62, 0x6a, 1))
    header.int(-1)
    const entry = new AvroWriter()
    entry.string('avro.schema')
    entry.string('{"type":"array","items":"int"}')
    const entryBytes = entry.finish()
    header.data(entryBytes)
    header.byte(0)
    const sync = new Uint8Array(16).fill(7)
    header.fixed(sync)
    header.int(1)
    header.data(Uint8Array.of(3, 4, 2, 4, 2, 6, 0))
    header.fixed(sync)
    expect(read(header.finish())).toEqual([[1, 2, 3]])
  })

  test('claims of endless items cost neither time nor memory', () => {
    const huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    const start = performance.now()
    for (const items of ['long', 'null', { type: 'fixed', name: 'f', size: 8 }]) {
      expect(outcome(bomb({ type: 'array', items }, ...huge), [])).toBe('corrupt')
    }
    for (const type of ['bytes', 'string']) expect(outcome(bomb(type, ...huge), [])).toBe('corrupt')
    // Named types that use each other twice, forty times over.
    let nested: JsonValue = { type: 'record', name: 'r0', fields: [] }
    for (let i = 1; i < 40; i++) {
      nested = {
        type: 'record',
        name: `r${i}`,
        fields: [
          { name: 'a', type: nested },
          { name: 'b', type: `r${i - 1}` },
        ],
      }
    }
    expect(outcome(bomb(nested), [])).toBe('corrupt')
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('schemas that are wrong are named as the cause', () => {
    expect(withSchema('{"type":"nope"}')).toThrow(
      /file x is damaged: the schema in its header is wrong: there is no type "nope"/,
    )
    expect(withSchema('{')).toThrow(/the schema in its header is wrong: expected a key/)
    expect(withSchema('[]')).toThrow(/a union has no branches/)
    expect(withSchema('{"type":"record","name":"r","fields":[{"name":"r","type":"r"}]}')).toThrow(/no type "r"/)
    expect(withSchema('{"type":"fixed","name":"f","size":-1}')).toThrow(/size of a fixed/)
  })

  test('namespaces: a short name means the one around it', () => {
    const inner = { type: 'fixed', name: 'f', size: 1 }
    const schema = {
      type: 'record',
      name: 'a.b.r',
      fields: [
        { name: 'x', type: inner },
        { name: 'y', type: 'f' },
        { name: 'z', type: 'a.b.f' },
      ],
    }
    const one = Uint8Array.of(1)
    expect(read(writeAvro(schemaOf(schema), {}, [[one, one, one]]))).toEqual([[one, one, one]])
  })

  test('numbers at the edges of int and long', () => {
    const edges = [
      0n,
      -1n,
      1n,
      63n,
      64n,
      -64n,
      -65n,
      2n ** 30n,
      -(2n ** 30n),
      2n ** 53n,
      -(2n ** 53n),
      2n ** 56n,
      2n ** 63n - 1n,
      -(2n ** 63n),
    ]
    const writer = new AvroWriter(1)
    for (const edge of edges) writer.long(edge)
    for (const edge of [-(2 ** 31), 2 ** 31 - 1]) writer.int(edge)
    const reader = new AvroReader(writer.finish(), 'x')
    for (const edge of edges) expect(reader.long()).toBe(edge)
    expect([reader.int(), reader.int()]).toEqual([-(2 ** 31), 2 ** 31 - 1])
    expect(() => new AvroWriter().int(2 ** 31)).toThrow(/no int/)
    expect(() => new AvroWriter().long(2n ** 63n)).toThrow(/no long/)
    expect(() => new AvroReader(new Uint8Array(11).fill(0xff), 'x').long()).toThrow(/64 bits/)
    expect(() => new AvroReader(new Uint8Array(11).fill(0xff), 'x').int()).toThrow(/32 bits/)
  })
})

/** A file of one record whose bytes are `body`, without checksum. */
const bomb = (schema: JsonValue, ...body: number[]) => {
  const writer = new AvroWriter()
  writer.fixed(Uint8Array.of(0x4f, 0x62, 0x6a, 1))
  writer.int(1)
  writer.string('avro.schema')
  writer.string(stringifyJson(schema))
  writer.byte(0)
  writer.fixed(new Uint8Array(16))
  writer.long(1n)
  writer.data(Uint8Array.from(body))
  writer.fixed(new Uint8Array(16))
  return writer.finish()
}

const withSchema = (text: string) => {
  const bytes = writeAvro({ text, encode: compileEncoder({ kind: 'int' }) }, {}, [1])
  return () => read(bytes)
}

function attempt(action: () => unknown): string {
  try {
    return `succeeded: ${String(action())}`
  } catch (error) {
    return (error as Error).message
  }
}

function outcome(bytes: Uint8Array, expected: readonly AvroValue[]): string {
  try {
    expect(read(bytes)).toEqual(expected)
    return 'same'
  } catch (error) {
    if (error instanceof DataShardError) return error.code
    if ((error as Error).name === 'AssertionError') return 'other'
    throw error
  }
}

/** Three records that fastavro 1.13 wrote with each codec. */
const FASTAVRO = {
  snappy:
    'T2JqAQQUYXZyby5jb2RlYwxzbmFwcHkWYXZyby5zY2hlbWHoBnsidHlwZSI6ICJyZWNvcmQiLCAibmFtZSI6ICJyIiwgImZpZWxkcyI6IFt7Im5hbWUiOiAiaWQiLCAidHlwZSI6ICJsb25nIiwgImZpZWxkLWlkIjogMX0sIHsibmFtZSI6ICJ0ZXh0IiwgInR5cGUiOiBbIm51bGwiLCAic3RyaW5nIl0sICJmaWVsZC1pZCI6IDJ9LCB7Im5hbWUiOiAicHJpY2UiLCAidHlwZSI6IHsidHlwZSI6ICJieXRlcyIsICJsb2dpY2FsVHlwZSI6ICJkZWNpbWFsIiwgInByZWNpc2lvbiI6IDksICJzY2FsZSI6IDJ9LCAiZmllbGQtaWQiOiAzfSwgeyJuYW1lIjogImtpbmQiLCAidHlwZSI6IHsidHlwZSI6ICJlbnVtIiwgIm5hbWUiOiAiayIsICJzeW1ib2xzIjogWyJhIiwgImIiXX0sICJmaWVsZC1pZCI6IDR9LCB7Im5hbWUiOiAidGFncyIsICJ0eXBlIjogeyJ0eXBlIjogIm1hcCIsICJ2YWx1ZXMiOiAiaW50In0sICJmaWVsZC1pZCI6IDV9XX0AMDEyMzQ1Njc4OWFiY2RlZgasAc8CKAACmgJzbmFwcHkg/gcA/gcABQeYMAT7LgACAngAAICA0NiL3qLjAgAE+y4CAgJ4AgCAgKCxl7zFxgUC/rUA/rUANrUAJDIE+y4AAgJ4BABD2LuuMDEyMzQ1Njc4OWFiY2RlZg==',
  zstandard:
    'T2JqAQQUYXZyby5jb2RlYxJ6c3RhbmRhcmQWYXZyby5zY2hlbWHoBnsidHlwZSI6ICJyZWNvcmQiLCAibmFtZSI6ICJyIiwgImZpZWxkcyI6IFt7Im5hbWUiOiAiaWQiLCAidHlwZSI6ICJsb25nIiwgImZpZWxkLWlkIjogMX0sIHsibmFtZSI6ICJ0ZXh0IiwgInR5cGUiOiBbIm51bGwiLCAic3RyaW5nIl0sICJmaWVsZC1pZCI6IDJ9LCB7Im5hbWUiOiAicHJpY2UiLCAidHlwZSI6IHsidHlwZSI6ICJieXRlcyIsICJsb2dpY2FsVHlwZSI6ICJkZWNpbWFsIiwgInByZWNpc2lvbiI6IDksICJzY2FsZSI6IDJ9LCAiZmllbGQtaWQiOiAzfSwgeyJuYW1lIjogImtpbmQiLCAidHlwZSI6IHsidHlwZSI6ICJlbnVtIiwgIm5hbWUiOiAiayIsICJzeW1ib2xzIjogWyJhIiwgImIiXX0sICJmaWVsZC1pZCI6IDR9LCB7Im5hbWUiOiAidGFncyIsICJ0eXBlIjogeyJ0eXBlIjogIm1hcCIsICJ2YWx1ZXMiOiAiaW50In0sICJmaWVsZC1pZCI6IDV9XX0AMDEyMzQ1Njc4OWFiY2RlZgaYASi1L/1gTwAVAgBEAwACmgJzbmFwcHkgMAT7LgACAngAAICA0NiL3qLjAgAE+y4CAgJ4AgCAgKCxl7zFxgUyBAADAJAJM3CGegJRxQswMTIzNDU2Nzg5YWJjZGVm',
  bzip2:
    'T2JqAQQUYXZyby5jb2RlYwpiemlwMhZhdnJvLnNjaGVtYegGeyJ0eXBlIjogInJlY29yZCIsICJuYW1lIjogInIiLCAiZmllbGRzIjogW3sibmFtZSI6ICJpZCIsICJ0eXBlIjogImxvbmciLCAiZmllbGQtaWQiOiAxfSwgeyJuYW1lIjogInRleHQiLCAidHlwZSI6IFsibnVsbCIsICJzdHJpbmciXSwgImZpZWxkLWlkIjogMn0sIHsibmFtZSI6ICJwcmljZSIsICJ0eXBlIjogeyJ0eXBlIjogImJ5dGVzIiwgImxvZ2ljYWxUeXBlIjogImRlY2ltYWwiLCAicHJlY2lzaW9uIjogOSwgInNjYWxlIjogMn0sICJmaWVsZC1pZCI6IDN9LCB7Im5hbWUiOiAia2luZCIsICJ0eXBlIjogeyJ0eXBlIjogImVudW0iLCAibmFtZSI6ICJrIiwgInN5bWJvbHMiOiBbImEiLCAiYiJdfSwgImZpZWxkLWlkIjogNH0sIHsibmFtZSI6ICJ0YWdzIiwgInR5cGUiOiB7InR5cGUiOiAibWFwIiwgInZhbHVlcyI6ICJpbnQifSwgImZpZWxkLWlkIjogNX1dfQAwMTIzNDU2Nzg5YWJjZGVmBuwBQlpoOTFBWSZTWQt3FWwAAAJZ/9YAQAFQACABSGBACACQUAAgBAMAQEEIAAAIIABISU01BoDQBoBJUGgGgA9R5RsKyLkPXeLw1GTWVSufuYCPliZgI0ARMBGwCKxIJopARebjtIqhm+eUPEL8XckU4UJALdxVsDAxMjM0NTY3ODlhYmNkZWY=',
}

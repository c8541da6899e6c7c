import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMetadata, encodeMetadata, parseDocument } from '../../src/codec/metadata-file.ts'
import { DataShardError } from '../../src/errors.ts'

const WHERE = 's3://b/t/metadata/v7.metadata.json'
const utf8 = new TextEncoder()

const DOCUMENT = `{"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://b/t",
"last-sequence-number":9007199254740993,"last-updated-ms":1602638573590,"last-column-id":1,"current-schema-id":0,
"schemas":[{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"x","required":true,"type":"long","x-kept":[1]}]}],
"default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[]}],"last-partition-id":999,
"default-sort-order-id":0,"sort-orders":[{"order-id":0,"fields":[]}],"properties":{"a":"b"},
"current-snapshot-id":3051729675574597004,"refs":{"main":{"snapshot-id":3051729675574597004,"type":"branch"}},
"snapshots":[{"snapshot-id":3051729675574597004,"sequence-number":9007199254740993,"timestamp-ms":1555100955770,
"summary":{"operation":"append"},"manifest-list":"s3://b/t/metadata/s1.avro","engine-field":12345678901234567890}],
"snapshot-log":[],"metadata-log":[],"statistics":[{"snapshot-id":3051729675574597004}],"datashard-nonce":"abc"}`

describe('metadata files', () => {
  test('64-bit ids are exact and unknown fields survive, at every level', () => {
    const metadata = decodeMetadata(utf8.encode(DOCUMENT), WHERE)
    expect(metadata.currentSnapshotId).toBe(3051729675574597004n)
    expect(metadata.lastSequenceNumber).toBe(9007199254740993n)
    expect(parseDocument(encodeMetadata(metadata), WHERE)).toEqual(parseDocument(utf8.encode(DOCUMENT), WHERE))
  })

  test('gzip is recognised by its bytes', () => {
    const plain = decodeMetadata(utf8.encode(DOCUMENT), WHERE)
    expect(decodeMetadata(gzipSync(DOCUMENT), WHERE)).toEqual(plain)
  })

  test('the first fields come first, once, and replace what was there', () => {
    const metadata = decodeMetadata(utf8.encode(DOCUMENT), WHERE)
    const bytes = encodeMetadata(metadata, { 'datashard-nonce': 'new', 'datashard-ledger': { floor: 2n ** 60n } })
    const text = new TextDecoder().decode(bytes)
    expect(text).toMatch(
      /^\{"datashard-nonce":"new","datashard-ledger":\{"floor":1152921504606846976\},"format-version":2/,
    )
    expect(text.match(/datashard-nonce/g)).toHaveLength(1)
  })

  test('a schema is written out once, however many versions repeat it', () => {
    let looks = 0
    const metadata = decodeMetadata(utf8.encode(DOCUMENT), WHERE)
    const fields = metadata.schemas[0]!.fields.map((field) => ({
      ...field,
      get name() {
        looks++
        return field.name
      },
    }))
    const counted = { ...metadata, schemas: [{ ...metadata.schemas[0]!, fields }] }
    const first = encodeMetadata(counted)
    const once = looks
    expect(once).toBeGreaterThan(0)
    expect(encodeMetadata({ ...counted, properties: {} }).length).toBeLessThan(first.length)
    expect(encodeMetadata(counted)).toEqual(first)
    expect(looks).toBe(once)
  })

  test('damage is `corrupt`, with the name of the object', () => {
    expect(failure('')).toEqual(corrupt(/v7\.metadata\.json is damaged: it is empty/))
    expect(failure(DOCUMENT.slice(0, 300))).toEqual(
      corrupt(/v7\.metadata\.json is damaged: it is no JSON \(300 bytes\): .* at position 300/),
    )
    expect(failure(gzipSync(DOCUMENT).subarray(0, 200))).toEqual(
      corrupt(/200 gzipped bytes cannot be unzipped: unexpected end/),
    )
    expect(failure(Uint8Array.of(0x7b, 0xff, 0x7d))).toEqual(corrupt(/not UTF-8/))
    expect(failure('[]')).toEqual(corrupt(/v7\.metadata\.json: /))
    expect(failure('{"datashard-tombstone":{}}')).toEqual(corrupt(/v7\.metadata\.json: /))
    expect(failure(DOCUMENT.replace('"format-version":2', '"format-version":4'))).toMatchObject({ code: 'unsupported' })
  })

  test('a tombstone can be looked at before it is taken for metadata', () => {
    expect(parseDocument(utf8.encode('{"datashard-tombstone":{"version":7}}'), WHERE).json).toEqual({
      'datashard-tombstone': { version: 7 },
    })
  })

  test('a flipped byte gives metadata, `corrupt` or `unsupported`, and never anything else', () => {
    for (const intact of [utf8.encode(DOCUMENT), gzipSync(DOCUMENT)]) {
      fc.assert(
        fc.property(fc.nat(intact.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
          const damaged = new Uint8Array(intact)
          damaged[at]! ^= mask
          expect(outcome(damaged)).toMatch(/^(read|corrupt|unsupported)$/)
        }),
        { numRuns: 1000 },
      )
    }
  })

  test('a cut file is always `corrupt`', () => {
    for (const intact of [utf8.encode(DOCUMENT), gzipSync(DOCUMENT)]) {
      for (let end = 0; end < intact.length; end++)
        expect(outcome(new Uint8Array(intact).subarray(0, end))).toBe('corrupt')
    }
  })
})

const failure = (bytes: Uint8Array | string) => {
  try {
    return decodeMetadata(typeof bytes === 'string' ? utf8.encode(bytes) : bytes, WHERE)
  } catch (error) {
    return error
  }
}
const corrupt = (message: RegExp) =>
  expect.objectContaining({ code: 'corrupt', message: expect.stringMatching(message) })

function outcome(bytes: Uint8Array): string {
  try {
    decodeMetadata(bytes, WHERE)
    return 'read'
  } catch (error) {
    if (error instanceof DataShardError) return error.code
    throw error
  }
}

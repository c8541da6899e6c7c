import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson, stringifyJson } from '../../src/codec/lossless-json.ts'
import { metadataFromJson, metadataToJson } from '../../src/spec/metadata-json.ts'
import { caught } from './caught.ts'

type Json = Record<string, unknown>

const schemaJson = {
  type: 'struct',
  'schema-id': 0,
  'x-schema': 1,
  fields: [
    {
      id: 1,
      name: 'a',
      required: false,
      type: { type: 'list', 'element-id': 2, element: 'long', 'element-required': true, 'x-list': [] },
      'x-field': { deep: 2n ** 63n },
      'initial-default': [1],
    },
  ],
}
const snapshot = {
  'sequence-number': 1,
  'snapshot-id': 3051729675574597004n,
  'timestamp-ms': 1515100955770,
  summary: { operation: 'append', 'x-summary': 'kept' },
  'manifest-list': 's3://b/t/metadata/snap.avro',
  'schema-id': 0,
  'x-snapshot': { 'key-id': 'k' },
}

/** Metadata with every part there is, and an unknown field at every level. */
const full: Json = {
  'format-version': 2,
  'table-uuid': 'fb072c92-a02b-11e9-ae9c-1bb7bc9eca94',
  location: 's3://b/t',
  'last-sequence-number': 1,
  'last-updated-ms': 1515100955770,
  'last-column-id': 2,
  'current-schema-id': 0,
  schemas: [schemaJson],
  'default-spec-id': 0,
  'partition-specs': [
    {
      'spec-id': 0,
      'x-spec': true,
      fields: [{ name: 'a_z', transform: 'zorder', 'source-id': 1, 'field-id': 1000, 'x-partition-field': 'y' }],
    },
  ],
  'last-partition-id': 1000,
  'default-sort-order-id': 0,
  'sort-orders': [
    { 'order-id': 0, fields: [] },
    {
      'order-id': 3,
      'x-order': null,
      fields: [
        { transform: 'identity', 'source-id': 1, direction: 'desc', 'null-order': 'nulls-last', 'x-sort-field': 1.5 },
      ],
    },
  ],
  properties: { 'write.format.default': 'parquet', __proto__x: 'y' },
  'current-snapshot-id': 3051729675574597004n,
  refs: {
    main: { 'snapshot-id': 3051729675574597004n, type: 'branch', 'min-snapshots-to-keep': 3, 'x-ref': 1 },
    'a tag': { 'snapshot-id': 3051729675574597004n, type: 'tag', 'max-ref-age-ms': 9007199254740993n },
  },
  snapshots: [snapshot],
  'snapshot-log': [{ 'timestamp-ms': 1515100955770, 'snapshot-id': 3051729675574597004n, 'x-log': 1 }],
  'metadata-log': [{ 'timestamp-ms': 1515100955770, 'metadata-file': 's3://b/t/metadata/v1.json', 'x-log': 2 }],
  statistics: [{ 'snapshot-id': 3051729675574597004n, 'statistics-path': 's3://b/t/s.puffin' }],
  'partition-statistics': [],
  'datashard-anything': { nonce: 'n' },
}

const minimal: Json = {
  'format-version': 2,
  'table-uuid': 'fb072c92-a02b-11e9-ae9c-1bb7bc9eca94',
  location: '/t',
  'last-sequence-number': 0,
  'last-updated-ms': 1,
  'last-column-id': 0,
  'current-schema-id': 0,
  schemas: [{ type: 'struct', 'schema-id': 0, fields: [] }],
  'default-spec-id': 0,
  'partition-specs': [{ 'spec-id': 0, fields: [] }],
  'last-partition-id': 999,
  'default-sort-order-id': 0,
  'sort-orders': [{ 'order-id': 0, fields: [] }],
}

const without = (json: Json, ...keys: string[]): Json =>
  Object.fromEntries(Object.entries(json).filter(([key]) => !keys.includes(key)))

describe('metadata survives a read and a write', () => {
  test('with unknown fields at every level and 64-bit ids, through text too', () => {
    expect(metadataToJson(metadataFromJson(full))).toEqual(full)
    const text = stringifyJson(full)
    expect(metadataToJson(metadataFromJson(parseJson(text)))).toEqual(parseJson(text))
    expect(stringifyJson(metadataToJson(metadataFromJson(parseJson(text))))).toContain('3051729675574597004')
  })

  test('v3: row lineage, transforms of several columns, null for no snapshot', () => {
    const v3 = {
      ...full,
      'format-version': 3,
      'next-row-id': 2n ** 60n,
      'partition-specs': [
        {
          'spec-id': 0,
          fields: [
            { name: 'p', transform: 'bucket[4]', 'source-ids': [1, 2], 'field-id': 1000 },
            { name: 'q', transform: 'bucket[4]', 'source-id': 1, 'source-ids': [1], 'field-id': 1001 },
          ],
        },
      ],
      'last-partition-id': 1001,
      snapshots: [{ ...snapshot, 'first-row-id': 0, 'added-rows': 2n ** 59n, 'parent-snapshot-id': 7 }],
      'encryption-keys': [{ 'key-id': '5f819b' }],
    }
    const metadata = metadataFromJson(v3)
    expect(metadataToJson(metadata)).toEqual(v3)
    expect(metadata.partitionSpecs[0]!.fields.map((field) => field.transform.transform)).toEqual(['unknown', 'bucket'])
    const empty = { ...minimal, 'format-version': 3, 'next-row-id': 0, 'current-snapshot-id': null }
    expect(metadataToJson(metadataFromJson(empty))['current-snapshot-id']).toBeNull()
  })

  test('whatever other fields there are', () => {
    const others = fc.dictionary(
      fc.string().map((key) => `x-${key}`),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(others, others, (top, inSnapshot) => {
        const json = { ...full, ...top, snapshots: [{ ...snapshot, ...inSnapshot }] }
        expect(metadataToJson(metadataFromJson(json))).toEqual(json)
      }),
    )
  })

  test('a property called __proto__ is a property', () => {
    const json = parseJson(stringifyJson(minimal).replace(/\}$/, ',"properties":{"__proto__":"x"}}'))
    const { properties } = metadataFromJson(json)
    expect(Object.entries(properties)).toEqual([['__proto__', 'x']])
  })

  const golden = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'golden', 'bucket')
  test('every version of the golden tables of Spark and pyiceberg', async () => {
    const names = (await readdir(golden, { recursive: true })).filter((name) => name.endsWith('.metadata.json'))
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) {
      let bytes = await readFile(join(golden, name))
      if (bytes[0] === 0x1f) bytes = gunzipSync(bytes)
      const json = parseJson(bytes.toString()) as Json
      const written = metadataToJson(metadataFromJson(json))
      expect({ name, ...written, 'current-snapshot-id': 0 }).toEqual({ name, ...json, 'current-snapshot-id': 0 })
      expect(written['current-snapshot-id']).toBe(
        json['current-snapshot-id'] ?? (written['format-version'] === 3 ? null : -1),
      )
    }
  })
})

describe('defaults of the spec', () => {
  test('v2: what may be left out', () => {
    expect(metadataFromJson(minimal)).toEqual({
      formatVersion: 2,
      tableUuid: 'fb072c92-a02b-11e9-ae9c-1bb7bc9eca94',
      location: '/t',
      lastSequenceNumber: 0n,
      lastUpdatedMs: 1,
      lastColumnId: 0,
      schemas: [{ schemaId: 0, fields: [] }],
      currentSchemaId: 0,
      partitionSpecs: [{ specId: 0, fields: [] }],
      defaultSpecId: 0,
      lastPartitionId: 999,
      sortOrders: [{ orderId: 0, fields: [] }],
      defaultSortOrderId: 0,
      properties: {},
      snapshots: [],
      snapshotLog: [],
      metadataLog: [],
      refs: {},
    })
  })

  test('-1 and null mean no current snapshot', () => {
    expect(metadataFromJson({ ...minimal, 'current-snapshot-id': -1 }).currentSnapshotId).toBeUndefined()
    expect(metadataFromJson({ ...minimal, 'current-snapshot-id': null }).currentSnapshotId).toBeUndefined()
  })

  test('without refs, main is the current snapshot', () => {
    const { refs } = metadataFromJson(without(full, 'refs'))
    expect(refs).toEqual({ main: { snapshotId: 3051729675574597004n, type: 'branch' } })
  })

  test('v1: singular forms, no sequence numbers, partition field ids counted from 1000', () => {
    const v1 = {
      'format-version': 1,
      location: '/t',
      'last-updated-ms': 1,
      'last-column-id': 2,
      schema: { type: 'struct', fields: [{ id: 1, name: 'at', required: true, type: 'date' }] },
      'partition-spec': [
        { name: 'at_day', transform: 'day', 'source-id': 1 },
        { name: 'at_year', transform: 'year', 'source-id': 1 },
      ],
      'current-snapshot-id': 5,
      snapshots: [{ 'snapshot-id': 5, 'timestamp-ms': 1, manifests: ['/t/m.avro'] }],
    }
    const metadata = metadataFromJson(v1)
    expect(metadata).toMatchObject({
      tableUuid: '',
      lastSequenceNumber: 0n,
      currentSchemaId: 0,
      defaultSpecId: 0,
      lastPartitionId: 1001,
      partitionSpecs: [{ specId: 0, fields: [{ fieldId: 1000 }, { fieldId: 1001 }] }],
      sortOrders: [{ orderId: 0, fields: [] }],
      snapshots: [{ snapshotId: 5n, sequenceNumber: 0n, manifests: ['/t/m.avro'] }],
    })
    const written = metadataToJson(metadata)
    expect(written).toMatchObject({
      schema: { 'schema-id': 0 },
      'partition-spec': [{ 'field-id': 1000 }, { 'field-id': 1001 }],
    })
    for (const key of ['last-sequence-number', 'table-uuid', 'next-row-id']) expect(written).not.toHaveProperty(key)
    expect((written.snapshots as Json[])[0]).not.toHaveProperty('sequence-number')
    expect(metadataFromJson(written)).toEqual(metadata)
  })

  test('a v2 table has no singular forms', () => {
    expect(metadataToJson(metadataFromJson({ ...full, schema: schemaJson, 'partition-spec': [] }))).toEqual(full)
  })
})

describe('damage is named with its place', () => {
  const cases: [what: string, json: unknown, message: RegExp][] = [
    ['no object', [], /found an array of 0, expected an object/],
    ['no version', without(full, 'format-version'), /format-version: found undefined.*is this table metadata at all/],
    ['version 0', { ...full, 'format-version': 0 }, /format-version: found 0/],
    ['no uuid in v2', without(full, 'table-uuid'), /table-uuid: found undefined, expected a string/],
    ['no location', without(full, 'location'), /location: found undefined/],
    ['an empty location', { ...full, location: '' }, /location: found ''/],
    [
      'no sequence number in v2',
      without(full, 'last-sequence-number'),
      /last-sequence-number: found undefined, expected a 64-bit integer/,
    ],
    ['a fraction', { ...full, 'last-column-id': 1.5 }, /last-column-id: found 1.5/],
    ['too large', { ...full, 'last-sequence-number': 2n ** 64n }, /last-sequence-number: found 18446744073709551616n/],
    ['no schemas in v2', without(full, 'schemas'), /schemas: found undefined, expected an array/],
    ['no schema in v1', { ...without(full, 'schemas'), 'format-version': 1 }, /schema: found undefined/],
    [
      'a schema inside',
      { ...full, schemas: [{ ...schemaJson, fields: [{}] }] },
      /schemas\[0\]\.fields\[0\]\.id: found undefined/,
    ],
    ['current schema missing', { ...full, 'current-schema-id': 4 }, /current-schema-id is 4, but schemas has only 0/],
    ['default spec missing', { ...full, 'default-spec-id': 4 }, /default-spec-id is 4, but partition-specs has only 0/],
    [
      'default order missing',
      { ...full, 'default-sort-order-id': 4 },
      /default-sort-order-id is 4, but sort-orders has only 0, 3/,
    ],
    ['no entries', { ...full, 'sort-orders': [] }, /sort-orders has only no entries/],
    ['two schemas with one id', { ...full, schemas: [schemaJson, schemaJson] }, /schemas: two entries have the id 0/],
    ['no last partition id in v2', without(full, 'last-partition-id'), /last-partition-id: found undefined/],
    [
      'a spec without fields',
      { ...full, 'partition-specs': [{ 'spec-id': 0 }] },
      /partition-specs\[0\]\.fields: found undefined/,
    ],
    [
      'a field without source',
      { ...full, 'partition-specs': [{ 'spec-id': 0, fields: [{ name: 'a', transform: 'day' }] }] },
      /partition-specs\[0\]\.fields\[0\]\.source-id/,
    ],
    [
      'sources that are none',
      { ...full, 'partition-specs': [{ 'spec-id': 0, fields: [{ name: 'a', transform: 'day', 'source-ids': [] }] }] },
      /source-ids: found an array of 0/,
    ],
    [
      'a direction that is none',
      { ...full, 'sort-orders': [{ 'order-id': 0, fields: [{ transform: 'day', 'source-id': 1, direction: 'up' }] }] },
      /sort-orders\[0\]\.fields\[0\]\.direction: found 'up'/,
    ],
    [
      'a null order that is none',
      { ...full, 'sort-orders': [{ 'order-id': 0, fields: [{ transform: 'day', 'source-id': 1, direction: 'asc' }] }] },
      /null-order: found undefined/,
    ],
    ['a property that is no text', { ...full, properties: { a: 1 } }, /properties\.a: found 1/],
    [
      'current snapshot missing',
      { ...full, snapshots: [] },
      /current-snapshot-id is 3051729675574597004, which is not in snapshots/,
    ],
    ['two snapshots with one id', { ...full, snapshots: [snapshot, snapshot] }, /snapshots: two entries have the id/],
    [
      'a snapshot from the future',
      { ...full, snapshots: [{ ...snapshot, 'sequence-number': 9 }] },
      /has sequence number 9, above last-sequence-number 1/,
    ],
    [
      'a snapshot id that was rounded',
      { ...full, snapshots: [{ ...snapshot, 'snapshot-id': Number(3051729675574597004n) }] },
      /snapshots\[0\]\.snapshot-id/,
    ],
    [
      'a snapshot without manifests',
      { ...full, snapshots: [without(snapshot, 'manifest-list')] },
      /snapshots\[0\]: has neither/,
    ],
    [
      'manifests that are no text',
      { ...full, snapshots: [{ ...snapshot, manifests: [1] }] },
      /snapshots\[0\]\.manifests/,
    ],
    [
      'a ref of no kind',
      { ...full, refs: { x: { 'snapshot-id': 1 } } },
      /refs\.x\.type: found undefined, expected 'branch' or 'tag'/,
    ],
    [
      'a ref into nothing',
      { ...full, refs: { x: { 'snapshot-id': 1, type: 'tag' } } },
      /refs\.x points to snapshot 1, which is not/,
    ],
    [
      'main elsewhere',
      {
        ...full,
        snapshots: [snapshot, { ...snapshot, 'snapshot-id': 5 }],
        refs: { main: { 'snapshot-id': 5, type: 'branch' } },
      },
      /refs\.main points to snapshot 5, but current-snapshot-id is 3051729675574597004/,
    ],
    ['a log of nothing', { ...full, 'snapshot-log': [null] }, /snapshot-log\[0\]: found null/],
    ['no next row id in v3', { ...full, 'format-version': 3 }, /next-row-id: found undefined/],
  ]
  test.each(cases)('%s', (_, json, message) => {
    const error = caught(() => metadataFromJson(json))
    expect(error?.message).toMatch(message)
    expect(error?.message).toMatch(/^the table metadata is damaged: /)
    expect(error?.code).toBe('corrupt')
  })

  test('a format from the future is unsupported, not damaged', () => {
    const error = caught(() => metadataFromJson({ ...full, 'format-version': 4 }))
    expect(error?.code).toBe('unsupported')
    expect(error?.message).toMatch(/format version 4: it was written by a newer version/)
  })

  test('any part may be missing or of another type: an error of ours, never a crash', () => {
    const keys = fc.constantFrom(...Object.keys(full))
    fc.assert(
      fc.property(keys, fc.anything(), (key, value) => {
        expect(caught(() => metadataFromJson({ ...full, [key]: value }))?.code ?? 'read').toMatch(
          /^(read|corrupt|unsupported)$/,
        )
      }),
    )
  })
})

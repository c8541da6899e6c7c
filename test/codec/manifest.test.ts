import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AvroValue } from '../../src/codec/avro-decode.ts'
import { compileEncoder } from '../../src/codec/avro-encode.ts'
import { parseAvroSchema } from '../../src/codec/avro-schema.ts'
import { openAvro, writeAvro } from '../../src/codec/avro.ts'
import { decodeManifestList, encodeManifestList, UNKNOWN_COUNT } from '../../src/codec/manifest-list.ts'
import {
  decodeManifest,
  describeManifest,
  encodeManifest,
  manifestSummary,
  readManifestHeader,
} from '../../src/codec/manifest.ts'
import { decodeMetadata } from '../../src/codec/metadata-file.ts'
import { DataShardError } from '../../src/errors.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import { specById } from '../../src/spec/metadata.ts'
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import type { Field, Schema, Type, Value } from '../../src/spec/types.ts'
import { dataFileOf } from '../support/data-files.ts'

/** Every primitive type with values of it; `numbers` of a column give its field id. */
const TYPES: readonly (readonly [Type, fc.Arbitrary<Value>])[] = [
  [{ type: 'boolean' }, fc.boolean()],
  [{ type: 'int' }, fc.integer()],
  [{ type: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ type: 'float' }, fc.float()],
  [{ type: 'double' }, fc.double()],
  [{ type: 'date' }, fc.integer({ min: -719_162, max: 2_932_896 })],
  [{ type: 'time' }, fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  [{ type: 'timestamp' }, fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n })],
  [{ type: 'timestamptz' }, fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n })],
  [{ type: 'string' }, fc.string({ unit: 'binary' })],
  [{ type: 'uuid' }, fc.uuid()],
  [{ type: 'binary' }, fc.uint8Array()],
  [{ type: 'fixed', length: 3 }, fc.uint8Array({ minLength: 3, maxLength: 3 })],
  [{ type: 'decimal', precision: 9, scale: 2 }, fc.bigInt({ min: -999_999_999n, max: 999_999_999n })],
  [{ type: 'decimal', precision: 38, scale: 0 }, fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
]

const schemaOf = (types: readonly Type[], names: (i: number) => string = (i) => `c${i}`): Schema => ({
  schemaId: 3,
  fields: types.map((type, i): Field => ({ id: i + 1, name: names(i), required: false, type })),
})

const identityOf = (schema: Schema): PartitionSpec => ({
  specId: 7,
  fields: schema.fields.map(({ id, name }) => ({
    sourceId: id,
    fieldId: 999 + id,
    name,
    transform: { transform: 'identity' },
  })),
})

const added = (partial: Partial<DataFile> = {}): ManifestEntry => ({
  status: 'added',
  snapshotId: null,
  sequenceNumber: null,
  fileSequenceNumber: null,
  dataFile: dataFileOf(partial),
})

const SCHEMA = schemaOf([{ type: 'long' }])

function listed(entries: readonly ManifestEntry[], partial: Partial<ManifestFile> = {}): ManifestFile {
  const described = describeManifest({
    path: 's3://b/t/metadata/m.avro',
    lengthBytes: 0,
    content: 'data',
    entries,
    spec: UNPARTITIONED,
    schema: SCHEMA,
    snapshotId: 77n,
    sequenceNumber: 9n,
  })
  return { ...described, ...partial }
}

function decode(bytes: Uint8Array, manifest: ManifestFile, spec = UNPARTITIONED, schema = SCHEMA): ManifestEntry[] {
  return decodeManifest(bytes, { manifest, spec, schema, where: 'manifest m.avro' })
}

function outcome(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    if (error instanceof DataShardError) return error.code
    throw error
  }
}

const write = (entry: ManifestEntry, formatVersion: 1 | 2 = 2) =>
  outcome(() =>
    encodeManifest({ entries: [entry], schema: SCHEMA, spec: UNPARTITIONED, content: 'data', formatVersion }),
  )

const writeList = (partial: Partial<ManifestFile>) =>
  outcome(() =>
    encodeManifestList({
      manifests: [{ ...listed([]), length: 1n, ...partial }],
      snapshotId: 1n,
      sequenceNumber: 9n,
      formatVersion: 2,
    }),
  )

const listHeader = (parentSnapshotId?: bigint) => {
  const bytes = encodeManifestList({
    manifests: [],
    snapshotId: 5n,
    parentSnapshotId,
    sequenceNumber: 2n,
    formatVersion: 2,
  })
  return Object.fromEntries(openAvro(bytes, 'x').header)
}

/** Maps as writers without the logical type have them. */
function mapsAsLists(value: AvroValue): AvroValue {
  if (value instanceof Map) return [...value].map(([key, item]) => [key, item])
  return Array.isArray(value) ? value.map(mapsAsLists) : value
}

const double = (value: number) => new Uint8Array(new Float64Array([value]).buffer)

describe('manifests', () => {
  const longs = fc.bigInt({ min: 0n, max: 2n ** 62n })
  const ids = fc.integer({ min: 1, max: 2 ** 31 - 1 })
  const metrics = fc.record({
    columnSizes: fc.array(fc.tuple(ids, longs)).map((pairs) => new Map(pairs)),
    valueCounts: fc.array(fc.tuple(ids, longs)).map((pairs) => new Map(pairs)),
    nullValueCounts: fc.array(fc.tuple(ids, longs)).map((pairs) => new Map(pairs)),
    nanValueCounts: fc.array(fc.tuple(ids, longs)).map((pairs) => new Map(pairs)),
    lowerBounds: fc.array(fc.tuple(ids, fc.uint8Array())).map((pairs) => new Map(pairs)),
    upperBounds: fc.array(fc.tuple(ids, fc.uint8Array())).map((pairs) => new Map(pairs)),
  })
  const extras = fc.record(
    {
      keyMetadata: fc.uint8Array(),
      splitOffsets: fc.array(longs),
      sortOrderId: fc.nat(),
    },
    { requiredKeys: [] },
  )
  const extras2 = fc.record({ equalityIds: fc.array(ids), referencedDataFile: fc.string() }, { requiredKeys: [] })
  const extras3 = fc.record({ firstRowId: longs, contentOffset: longs, contentSizeBytes: longs }, { requiredKeys: [] })

  test('entries of every version, partition type and metric are read back equal', () => {
    const cases = fc
      .record({
        version: fc.constantFrom(1 as const, 2 as const, 3 as const),
        types: fc.array(fc.constantFrom(...TYPES), { maxLength: 5 }),
      })
      .chain(({ version, types }) => {
        const entry = fc.record({
          status: fc.constantFrom('existing' as const, 'added' as const, 'deleted' as const),
          snapshotId: longs,
          sequenceNumber: version === 1 ? fc.constant(0n) : longs,
          fileSequenceNumber: version === 1 ? fc.constant(0n) : longs,
          dataFile: fc
            .tuple(
              metrics,
              extras,
              version > 1 ? extras2 : fc.constant({}),
              version > 2 ? extras3 : fc.constant({}),
              fc.record({
                path: fc.string({ minLength: 1, unit: 'binary' }),
                format: fc.constantFrom('parquet' as const, 'orc' as const, 'avro' as const),
                recordCount: longs,
                fileSizeBytes: longs,
                partition: fc.tuple(...types.map(([, values]) => fc.option(values))),
              }),
            )
            .map((parts) => dataFileOf(Object.assign({ specId: 7 }, ...parts))),
        })
        return fc.record({
          version: fc.constant(version),
          schema: fc.constant(schemaOf(types.map(([type]) => type))),
          entries: fc.array(entry, { maxLength: 5 }),
        })
      })
    fc.assert(
      fc.property(cases, ({ version, schema, entries }) => {
        const spec = identityOf(schema)
        const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: version })
        const manifest = listed(entries, { partitionSpecId: 7, length: BigInt(bytes.length) })
        expect(decode(bytes, manifest, spec, schema)).toEqual(entries)
        expect(readManifestHeader(bytes, 'x')).toEqual({ formatVersion: version, content: 'data', partitionSpecId: 7 })
      }),
    )
  })

  test('golden manifests and lists of Spark and pyiceberg are read, written again and described the same', () => {
    const root = new URL('../fixtures/golden/bucket/', import.meta.url)
    const object = (path: string) => readFileSync(new URL(path.replace(/^s3a?:\/\/golden\//, ''), root))
    let manifests = 0
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.metadata.json')) continue
      const metadata = decodeMetadata(object(name), name)
      const { formatVersion, schemas, snapshots } = metadata
      for (const { snapshotId, parentSnapshotId, sequenceNumber, manifestList } of snapshots) {
        const list = decodeManifestList(object(manifestList!), manifestList!)
        const encoded = encodeManifestList({
          manifests: list,
          snapshotId,
          parentSnapshotId,
          sequenceNumber,
          formatVersion,
        })
        expect(decodeManifestList(encoded, 'again')).toEqual(list)
        for (const manifest of list) {
          const { path, content, partitionSpecId } = manifest
          const schema = schemas.find(({ schemaId }) => schemaId === metadata.currentSchemaId)!
          const spec = specById(metadata, partitionSpecId)!
          const bytes = object(path)
          const entries = decodeManifest(bytes, { manifest, spec, schema, where: path })
          const again = encodeManifest({ entries, schema, spec, content, formatVersion })
          const length = BigInt(again.length)
          expect(decode(again, { ...manifest, length }, spec, schema)).toEqual(entries)
          const described = describeManifest({
            path,
            lengthBytes: bytes.length,
            content,
            entries,
            spec,
            schema,
            snapshotId: manifest.addedSnapshotId,
            sequenceNumber: manifest.sequenceNumber,
          })
          expect({ partitions: [], firstRowId: undefined, ...manifest }).toEqual({
            firstRowId: manifest.firstRowId,
            ...described,
          })
          manifests++
        }
      }
    }
    expect(manifests).toBeGreaterThan(200)
  })

  test('added entries inherit snapshot id, sequence numbers and first row ids; the others do not', () => {
    const old = { snapshotId: 5n, sequenceNumber: 2n, fileSequenceNumber: 1n }
    const entries: ManifestEntry[] = [
      added(),
      { status: 'existing', ...old, dataFile: dataFileOf({ firstRowId: 3n }) },
      { ...added(), sequenceNumber: 4n },
      { status: 'deleted', ...old, dataFile: dataFileOf() },
      added(),
    ]
    const bytes = encodeManifest({ entries, schema: SCHEMA, spec: UNPARTITIONED, content: 'data', formatVersion: 3 })
    const read = decode(bytes, listed(entries, { firstRowId: 1000n }))
    expect(read.map((e) => [e.snapshotId, e.sequenceNumber, e.fileSequenceNumber, e.dataFile.firstRowId])).toEqual([
      [77n, 9n, 9n, 1000n],
      [5n, 2n, 1n, 3n],
      [77n, 4n, 9n, 1010n],
      [5n, 2n, 1n, undefined],
      [77n, 9n, 9n, 1020n],
    ])
  })

  test('v1 manifests have sequence number 0, whatever the list says', () => {
    const entry = { ...added(), snapshotId: 1n }
    const bytes = encodeManifest({
      entries: [entry],
      schema: SCHEMA,
      spec: UNPARTITIONED,
      content: 'data',
      formatVersion: 1,
    })
    expect(decode(bytes, listed([entry]))[0]).toMatchObject({
      sequenceNumber: 0n,
      fileSequenceNumber: 0n,
      snapshotId: 1n,
    })
  })

  test('field ids, map and list ids and adjust-to-utc are in the schema that the file carries', () => {
    const schema = schemaOf([
      { type: 'timestamp' },
      { type: 'timestamptz' },
      { type: 'decimal', precision: 9, scale: 2 },
    ])
    const bytes = encodeManifest({ entries: [], schema, spec: identityOf(schema), content: 'data', formatVersion: 2 })
    const { header } = openAvro(bytes, 'x')
    const dataFile = JSON.parse(header.get('avro.schema')!).fields.find((f: { name: string }) => f.name === 'data_file')
    const fields = Object.fromEntries(dataFile.type.fields.map((f: { name: string }) => [f.name, f]))
    expect(dataFile['field-id']).toBe(2)
    expect(fields.value_counts.type[1]).toMatchObject({
      logicalType: 'map',
      items: {
        name: 'k119_v120',
        fields: [
          { name: 'key', 'field-id': 119 },
          { name: 'value', 'field-id': 120 },
        ],
      },
    })
    expect(fields.split_offsets.type[1]).toEqual({ type: 'array', items: 'long', 'element-id': 133 })
    expect(fields.partition.type.fields.map((f: { type: unknown[] }) => f.type[1])).toEqual([
      { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false },
      { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true },
      { type: 'fixed', size: 4, name: 'decimal_1002', logicalType: 'decimal', precision: 9, scale: 2 },
    ])
    expect(Object.fromEntries(header)).toMatchObject({
      'schema-id': '3',
      'partition-spec-id': '7',
      'format-version': '2',
      content: 'data',
    })
    expect(JSON.parse(header.get('schema')!)).toMatchObject({ 'schema-id': 3, type: 'struct' })
    expect(JSON.parse(header.get('partition-spec')!)[0]).toMatchObject({ 'field-id': 1000, transform: 'identity' })
  })

  test('partition names that Avro forbids are rewritten, also when two become one', () => {
    const names = ['a.b', 'a_x2Eb', '1', 'größe', '', 'x y']
    const schema = schemaOf(
      names.map(() => ({ type: 'int' })),
      (i) => names[i]!,
    )
    const spec = identityOf(schema)
    const entries = [added({ specId: 7, partition: [1, 2, 3, 4, 5, null] })]
    const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: 2 })
    const text = openAvro(bytes, 'x').header.get('avro.schema')!
    for (const name of ['a_x2Eb', 'a_x2Eb_1001', '_1', 'gr_xF6_xDFe', '_', 'x_x20y'])
      expect(text).toContain(`"name":"${name}"`)
    expect(decode(bytes, listed(entries, { partitionSpecId: 7 }), spec, schema)[0]!.dataFile.partition).toEqual([
      1,
      2,
      3,
      4,
      5,
      null,
    ])
  })

  test('files without field ids and without logical types are read by name', () => {
    const schema = schemaOf([{ type: 'string' }, { type: 'int' }])
    const spec = identityOf(schema)
    const maps = {
      valueCounts: new Map([
        [1, 10n],
        [2, 10n],
      ]),
      lowerBounds: new Map([[1, Uint8Array.of(97)]]),
    }
    const entries = [added({ specId: 7, partition: ['a', 1], splitOffsets: [4n], ...maps })]
    const ours = openAvro(encodeManifest({ entries, schema, spec, content: 'data', formatVersion: 2 }), 'x')
    const bare = JSON.stringify(
      JSON.parse(ours.header.get('avro.schema')!, (key, value) =>
        ['field-id', 'element-id', 'logicalType'].includes(key) ? undefined : value,
      ),
    )
    const encode = compileEncoder(parseAvroSchema(JSON.parse(bare)))
    const bytes = writeAvro({ text: bare, encode }, {}, ours.readRecords(mapsAsLists))
    const read = decode(bytes, listed(entries, { partitionSpecId: 7 }), spec, schema)
    expect(read).toEqual([{ ...entries[0], snapshotId: 77n, sequenceNumber: 9n, fileSequenceNumber: 9n }])
  })

  test('partition values follow columns that were widened or dropped since', () => {
    const then = schemaOf([{ type: 'int' }, { type: 'uuid' }, { type: 'decimal', precision: 5, scale: 1 }])
    const spec = identityOf(then)
    const partition = [5, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', -77n]
    const entries = [added({ specId: 7, partition })]
    const bytes = encodeManifest({ entries, schema: then, spec, content: 'data', formatVersion: 2 })
    const manifest = listed(entries, { partitionSpecId: 7 })
    const widened = schemaOf([{ type: 'long' }, { type: 'uuid' }, { type: 'decimal', precision: 9, scale: 1 }])
    expect(decode(bytes, manifest, spec, widened)[0]!.dataFile.partition).toEqual([5n, ...partition.slice(1)])
    expect(decode(bytes, manifest, spec, schemaOf([]))[0]!.dataFile.partition).toEqual(partition)
    const other = schemaOf([{ type: 'string' }, { type: 'uuid' }, { type: 'long' }])
    expect(outcome(() => decode(bytes, manifest, spec, other))).toBe('corrupt')
  })

  test('summaries say null, NaN and bounds of each partition field', () => {
    const schema = schemaOf([{ type: 'double' }, { type: 'string' }, { type: 'int' }])
    const spec = identityOf(schema)
    const tuples = [
      [Number.NaN, 'b', null],
      [0, 'a', null],
      [-0, '\u{10000}', null],
      [2.5, '\uffff', null],
    ]
    const entries = tuples.map((partition) => added({ specId: 7, partition }))
    expect(manifestSummary(entries, spec, schema).partitions).toEqual([
      { containsNull: false, containsNan: true, lowerBound: double(-0), upperBound: double(2.5) },
      {
        containsNull: false,
        containsNan: false,
        lowerBound: new TextEncoder().encode('a'),
        upperBound: new TextEncoder().encode('\u{10000}'),
      },
      { containsNull: true, containsNan: false },
    ])
  })

  test('nothing is said about partitions by uuid, which engines order differently, unless all are null', () => {
    const schema = schemaOf([{ type: 'uuid' }])
    const spec = identityOf(schema)
    const id = '00000000-0000-0000-0000-000000000001'
    const summary = (...values: (string | null)[]) =>
      manifestSummary(
        values.map((value) => added({ specId: 7, partition: [value] })),
        spec,
        schema,
      )
    expect(summary(id, null)).toEqual({})
    expect(summary(null)).toEqual({ partitions: [{ containsNull: true, containsNan: false }] })
  })

  test('a header that does not say whether there are deletes, as ClickHouse writes it, leaves it to list and entries', () => {
    const entries = [added({ content: 'position-deletes' })]
    const bytes = encodeManifest({ entries, schema: SCHEMA, spec: UNPARTITIONED, content: 'deletes', formatVersion: 2 })
    // The mark of our checksum goes with it: nobody else's file has one.
    const silent = Buffer.from(bytes)
    for (const [entry, at] of [
      ['\x0econtent\x0edeletes', 1],
      ['datashard.checksum', 0],
    ] as const) {
      const key = silent.indexOf(entry) + at
      expect(key).toBeGreaterThan(at)
      silent[key] = silent[key]! ^ 0x20
    }
    expect(decode(silent, listed(entries, { content: 'deletes' }))).toEqual(
      decode(bytes, listed(entries, { content: 'deletes' })),
    )
    expect(() => decode(silent, listed(entries))).toThrow('(position-deletes) is in a manifest of data')
  })

  test('a manifest that is not what the list says is `corrupt`, with the difference', () => {
    const entries = [added(), added()]
    const bytes = encodeManifest({ entries, schema: SCHEMA, spec: UNPARTITIONED, content: 'data', formatVersion: 2 })
    const manifest = listed(entries)
    const against = (partial: Partial<ManifestFile>) => () => decode(bytes, { ...manifest, ...partial })
    expect(against({ addedFilesCount: 3 })).toThrow(
      'manifest m.avro is damaged: 2 entries are live, and the manifest list says 3',
    )
    expect(against({ addedFilesCount: 0, existingFilesCount: 2 })(), 'as ClickHouse lists them').toHaveLength(2)
    expect(against({ content: 'deletes' })).toThrow('it holds data, and the manifest list says deletes')
    expect(against({ length: 100_000n })).toThrow(/it has \d+ bytes, and the manifest list says 100000/)
    expect(() => decode(bytes, { ...manifest, partitionSpecId: 4 }, { specId: 4, fields: [] })).toThrow(
      'it is of partition spec 0',
    )
    const partitioned = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'p', transform: { transform: 'identity' as const } }],
    }
    expect(() => decode(bytes, manifest, partitioned)).toThrow('it has no partition field p of spec 0')
    expect(against({ addedFilesCount: UNKNOWN_COUNT })()).toHaveLength(2)
    const list = encodeManifestList({ manifests: [], snapshotId: 1n, sequenceNumber: 1n, formatVersion: 2 })
    expect(() => decode(list, { ...manifest, length: 0n })).toThrow('manifest m.avro is no manifest')
    expect(() => decodeManifestList(bytes, 'list x')).toThrow('list x is no manifest list')
  })

  test('a flipped or cut byte in a manifest or list of ours is always noticed', () => {
    const entries = [added({ valueCounts: new Map([[1, 10n]]), lowerBounds: new Map([[1, new Uint8Array(8)]]) })]
    const bytes = encodeManifest({ entries, schema: SCHEMA, spec: UNPARTITIONED, content: 'data', formatVersion: 2 })
    const manifest = { ...listed(entries), length: 1n }
    const list = encodeManifestList({ manifests: [manifest], snapshotId: 1n, sequenceNumber: 9n, formatVersion: 2 })
    const targets = [
      { intact: bytes, read: (damaged: Uint8Array) => decode(damaged, manifest) },
      { intact: list, read: (damaged: Uint8Array) => decodeManifestList(damaged, 'x') },
    ]
    for (const { intact, read } of targets) {
      const expected = read(intact)
      for (let at = 0; at < intact.length; at++) {
        const damaged = intact.slice()
        damaged[at]! ^= 1 << (at % 8)
        const result = outcome(() => read(damaged))
        expect(result === 'corrupt' ? expected : result).toEqual(expected)
        expect(outcome(() => read(intact.subarray(0, at)))).toBe('corrupt')
      }
    }
  })

  test('damage in manifests of other writers gives a result or an error that names it, never another failure', () => {
    const root = new URL('../fixtures/golden/bucket/spark/db/parts/metadata/', import.meta.url)
    const names = readdirSync(root).filter((name) => name.endsWith('.avro'))
    const files = names.map((name) => ({ list: name.startsWith('snap-'), bytes: readFileSync(new URL(name, root)) }))
    const damage = fc.record({
      target: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      mask: fc.integer({ min: 1, max: 255 }),
      cut: fc.boolean(),
    })
    fc.assert(
      fc.property(damage, ({ target, at, mask, cut }) => {
        const index = Math.floor(at * target.bytes.length)
        const damaged = new Uint8Array(target.bytes)
        damaged[index]! ^= mask
        const bytes = cut ? damaged.subarray(0, index) : damaged
        const manifest = listed([], { length: 0n, addedFilesCount: UNKNOWN_COUNT })
        const result = outcome(() => (target.list ? decodeManifestList(bytes, 'x') : decode(bytes, manifest)))
        expect(Array.isArray(result) ? 'corrupt' : result).toMatch(/^(corrupt|unsupported)$/)
      }),
      { numRuns: 1500 },
    )
  })

  test('what must not be written is refused before it is', () => {
    expect(write(added())).toBeInstanceOf(Uint8Array)
    expect(write(added({ recordCount: -1n }))).toBe('internal')
    expect(write(added({ partition: [1] }))).toBe('internal')
    expect(write(added({ specId: 1 }))).toBe('internal')
    expect(write(added({ path: '' }))).toBe('internal')
    expect(write(added({ content: 'position-deletes' }))).toBe('internal')
    expect(write({ ...added(), status: 'existing' })).toBe('internal')
    expect(write(added(), 1)).toBe('internal')
    expect(writeList({})).toBeInstanceOf(Uint8Array)
    expect(writeList({ sequenceNumber: 10n })).toBe('internal')
    expect(writeList({ minSequenceNumber: 10n })).toBe('internal')
    expect(writeList({ addedRowsCount: -1n })).toBe('internal')
    expect(writeList({ length: 0n })).toBe('internal')
  })
})

describe('manifest lists', () => {
  test('headers name the snapshot and its parent', () => {
    expect(listHeader(4n)).toMatchObject({
      'snapshot-id': '5',
      'parent-snapshot-id': '4',
      'sequence-number': '2',
      'format-version': '2',
    })
    expect(listHeader()).toMatchObject({ 'parent-snapshot-id': 'null' })
  })

  test('counts that v1 leaves out are unknown, and stay so', () => {
    const unknown = listed([], {
      length: 5n,
      sequenceNumber: 0n,
      minSequenceNumber: 0n,
      addedFilesCount: UNKNOWN_COUNT,
      addedRowsCount: BigInt(UNKNOWN_COUNT),
    })
    const bytes = encodeManifestList({ manifests: [unknown], snapshotId: 5n, sequenceNumber: 0n, formatVersion: 1 })
    expect(decodeManifestList(bytes, 'x')).toEqual([unknown])
  })

  test('a thousand manifests are one small file, and a thousand lines', () => {
    const manifests = Array.from({ length: 1000 }, (_, i) =>
      listed([], { path: `s3://b/t/metadata/${i}.avro`, length: 5000n }),
    )
    const bytes = encodeManifestList({
      manifests,
      snapshotId: 5n,
      sequenceNumber: 9n,
      formatVersion: 3,
      firstRowId: 0n,
    })
    expect(bytes.length).toBeLessThan(20_000)
    expect(decodeManifestList(bytes, 'x')).toEqual(manifests)
  })
})

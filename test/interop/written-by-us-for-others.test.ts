/** Appends of ours to tables that others wrote: nothing that we do not model is lost, and their writer reads the result. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseJson, stringifyJson } from '../../src/codec/lossless-json.ts'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { startJudges, type Judges } from '../judges/judges.ts'
import { goldenTables, uploadGolden } from '../support/golden.ts'
import type { S3Endpoint } from '../support/minio.ts'
import { startS3Server, type S3Server } from '../support/s3-server.ts'
import { ask } from './ask.ts'
import { newPlace, s3Options } from './places.ts'

const tables = await goldenTables()
let judges: Judges
let server: S3Server
/** A server of its own: other test files read the golden tables at the same time, as they were. */
let s3: S3Endpoint

beforeAll(async () => {
  server = await startS3Server()
  s3 = { kind: 'own', endpoint: server.endpoint, accessKeyId: 'any', secretAccessKey: 'any', region: 'us-east-1' }
  ;[judges] = await Promise.all([startJudges(['spark']), uploadGolden(s3)])
}, 120_000)
afterAll(async () => {
  await Promise.all([judges.stop(), server.stop()])
}, 30_000)

type Json = Readonly<Record<string, unknown>>

/** The newest metadata of a table, exactly as it is stored. */
async function storedMetadata(location: string): Promise<{ version: number; json: Json }> {
  const store = s3Store({ ...s3Options(s3), bucket: 'golden' })
  const prefix = `${location.replace('s3://golden/', '')}/metadata/v`
  let newest = { version: 0, key: '' }
  for await (const { key } of store.list(prefix)) {
    const version = Number(/^(\d+)\.metadata\.json$/.exec(key.slice(prefix.length))?.[1] ?? 0)
    if (version > newest.version) newest = { version, key }
  }
  const bytes = await store.get(newest.key)
  store.close()
  return { version: newest.version, json: parseJson(new TextDecoder().decode(bytes)) as Json }
}

/** What a commit of ours has to change; the rest has to stay as it is, to the last digit. */
const CHANGED: ReadonlySet<string> = new Set([
  'datashard-commit',
  'last-updated-ms',
  'last-sequence-number',
  'current-snapshot-id',
  'snapshots',
  'snapshot-log',
  'metadata-log',
  'refs',
])
/** All but what an append changes: the ledger is the one property of ours. */
function kept(json: Json): Json {
  const { 'datashard.ledger': _ledger, ...properties } = (json['properties'] ?? {}) as Json
  return { ...Object.fromEntries(Object.entries(json).filter(([name]) => !CHANGED.has(name))), properties }
}

/** A row for each table, and how its writer shows it. */
const ADDED: Readonly<Record<string, { row: Record<string, unknown>; shown: CanonicalRow }>> = {
  parts: {
    row: { id: 1000, ts: '2026-06-01T00:00:00Z', s: 'ours', flag: true, amount: '1.00' },
    shown: {
      id: 1000,
      ts: { timestamp: '2026-06-01T00:00:00.000000' },
      s: 'ours',
      flag: true,
      amount: { decimal: '1.00' },
    },
  },
  over: { row: { id: 1000, d: '2026-06-01' }, shown: { id: 1000, d: { date: '2026-06-01' } } },
  empty: { row: { id: 1000 }, shown: { id: 1000 } },
  mor: { row: { id: 1000, v: 'ours' }, shown: { id: 1000, v: 'ours' } },
  eqdel: { row: { id: 1000, name: 'ours', k: 1 }, shown: { id: 1000, name: 'ours', k: 1 } },
  orcdata: { row: { id: 1000 }, shown: { id: 1000 } },
  avrodata: { row: { id: 1000, s: 'ours', ts: null }, shown: { id: 1000, s: 'ours', ts: null } },
}

describe('appends to tables that Spark wrote', () => {
  test.for(Object.entries(ADDED))('%s', { timeout: 120_000 }, async ([name, { row, shown }], context) => {
    const { location, reads } = tables[name]!
    const before = await storedMetadata(location)
    await using table = await loadTable(location, { s3: s3Options(s3) })
    await table.append([row])
    const after = await storedMetadata(location)

    expect(after.version).toBe(before.version + 1)
    expect(kept(after.json)).toEqual(kept(before.json))
    const snapshots = (before.json['snapshots'] ?? []) as readonly unknown[]
    expect((after.json['snapshots'] as readonly unknown[]).slice(0, -1)).toEqual(snapshots)

    const columns = reads['current']!.columns
    const question = { columns, rows: [...reads['current']!.rows, shown] }
    const { given, right } = await ask(judges, 'spark', context, { location, s3 }, question)
    expect(given).toEqual(right)
  })

  test.for([
    ['refs', 'format v1'],
    ['dv', 'format v3'],
  ] as const)('%s, a table of %s: refused, never upgraded or downgraded', async ([name, format]) => {
    const { location } = tables[name]!
    const objects = server.state.buckets.get('golden')!.size
    await using table = await loadTable(location, { s3: s3Options(s3) })
    const refusal = { code: 'unsupported', message: expect.stringContaining(format) }
    await expect(table.append([{ id: 1 }])).rejects.toMatchObject(refusal)
    await expect(table.transaction((tx) => tx.setProperties({ a: 'b' }))).rejects.toMatchObject(refusal)
    expect(server.state.buckets.get('golden')!.size).toBe(objects)
  })

  test(
    'what we do not model survives: unknown fields, statistics, tags, identifier fields',
    { timeout: 120_000 },
    async (context) => {
      const { location, reads } = tables['evolve']!
      const { version, json } = await storedMetadata(location)
      const snapshotId = json['current-snapshot-id'] as bigint
      const withIdentifier = (schemaJson: Json): Json => {
        if (schemaJson['schema-id'] !== json['current-schema-id']) return schemaJson
        const [id, ...others] = schemaJson['fields'] as readonly Json[]
        const fields = [{ ...id, required: true, doc: 'an id', 'x-field': 1 }, ...others]
        return { ...schemaJson, fields, 'identifier-field-ids': [id!['id']], 'x-schema': 'y' }
      }
      const statistics = {
        'snapshot-id': snapshotId,
        'statistics-path': `${location}/metadata/s.puffin`,
        'file-size-in-bytes': 413,
        'file-footer-size-in-bytes': 42,
        'blob-metadata': [
          {
            type: 'apache-datasketches-theta-v1',
            'snapshot-id': snapshotId,
            'sequence-number': 1,
            fields: [1],
            properties: { ndv: '9' },
          },
        ],
      }
      const ours = {
        ...json,
        'x-unknown': { long: 2n ** 62n + 1n, exact: [1.5, null, true, 'é'], nested: { deep: {} } },
        statistics: [statistics],
        'partition-statistics': [
          { 'snapshot-id': snapshotId, 'statistics-path': `${location}/metadata/p.parquet`, 'file-size-in-bytes': 5 },
        ],
        schemas: (json['schemas'] as readonly Json[]).map(withIdentifier),
        snapshots: (json['snapshots'] as readonly Json[]).map((snapshot) => ({
          ...snapshot,
          'x-snapshot': 2n ** 63n - 1n,
        })),
        refs: {
          ...(json['refs'] as Json),
          main: {
            'snapshot-id': snapshotId,
            type: 'branch',
            'min-snapshots-to-keep': 3,
            'max-snapshot-age-ms': 86_400_000,
          },
          audit: { 'snapshot-id': snapshotId, type: 'branch', 'max-ref-age-ms': 1_000_000_000_000 },
          'v1.0': { 'snapshot-id': snapshotId, type: 'tag', 'x-ref': true },
        },
      }
      const store = s3Store({ ...s3Options(s3), bucket: 'golden' })
      const key = `${location.replace('s3://golden/', '')}/metadata/v${version + 1}.metadata.json`
      await store.put(key, new TextEncoder().encode(stringifyJson(ours as Parameters<typeof stringifyJson>[0])), {
        mode: 'create',
      })
      store.close()
      const before = (await storedMetadata(location)).json

      await using table = await loadTable(location, { s3: s3Options(s3) })
      const nulls = Object.fromEntries(table.schema.fields.map((field) => [field.name, null]))
      const row = { ...nulls, id: 1000 }
      const { snapshotId: added } = await table.append([row])
      await table.transaction((tx) => tx.setTag('ours'))
      const after = (await storedMetadata(location)).json

      expect(kept(after)).toEqual(kept(before))
      expect((after['snapshots'] as readonly unknown[]).slice(0, -1)).toEqual(before['snapshots'])
      expect(after['refs']).toEqual({
        ...(before['refs'] as Json),
        main: { ...((before['refs'] as Json)['main'] as Json), 'snapshot-id': added },
        ours: { 'snapshot-id': added, type: 'tag' },
      })
      const question = { columns: reads['current']!.columns, rows: [...reads['current']!.rows, row as CanonicalRow] }
      const { given, right } = await ask(judges, 'spark', context, { location, s3 }, question)
      expect(given).toEqual(right)
    },
  )
})

test('no bounds without the counts that make them true', async () => {
  const place = await newPlace('directory')
  const columns = schema({
    n: t.int,
    d: t.optional(t.double),
    s: t.optional(t.string),
    inner: t.optional(t.struct({ f: t.optional(t.float), list: t.list(t.int) })),
  })
  for (const [i, mode] of ['truncate(16)', 'full', 'counts', 'none'].entries()) {
    await using table = await createTable(`${place.location}-${i}`, {
      schema: columns,
      properties: { 'write.metadata.metrics.default': mode },
    })
    await table.append([
      { n: 1, d: Number.NaN, s: null, inner: null },
      { n: 2, d: 1.5, s: 'x'.repeat(100), inner: { f: -0, list: [1, 2] } },
    ])
    for await (const file of table.files()) {
      const bounded = new Set([...file.lowerBounds.keys(), ...file.upperBounds.keys()])
      expect([...bounded].filter((id) => file.valueCounts.get(id) !== 2n || !file.nullValueCounts.has(id))).toEqual([])
      const floats = [2, 5].filter((id) => file.valueCounts.has(id))
      expect(floats.filter((id) => !file.nanValueCounts.has(id))).toEqual([])
      expect(bounded.size).toBe(mode === 'counts' || mode === 'none' ? 0 : 4)
    }
  }
})

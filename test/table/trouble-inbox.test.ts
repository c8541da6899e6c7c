/** Inboxes that dead, old or hostile writers filled: appends get through, and what can be folded is folded once. */
import { describe, expect, test } from 'vitest'
import { encodeFileDescriptor, encodeManifestDescriptor } from '../../src/codec/descriptor.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { intentName, uuid8 } from '../../src/commit/intent.ts'
import { ledgerOf } from '../../src/commit/peek.ts'
import { createTable, loadTable } from '../../src/index.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { currentSchema, specById } from '../../src/spec/metadata.ts'
import { memoryStore } from '../../src/store/index.ts'
import { intentNameOf, plantIntents, sampleFile } from '../support/intents.ts'
import { people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

async function newTable() {
  const store = memoryStore()
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(0)])
  await table.flush()
  return { store, table, sample: await sampleFile(table, store) }
}

describe('an inbox of 5,000 appends whose writers died', () => {
  test('the next append gets through in bounded requests; they are folded at most once, and the rest never', async () => {
    const { store, table, sample } = await newTable()
    const planted = new Set(await plantIntents(table, store, 't', sample, 5_000))
    const firstBase = table.version
    // Chance decides who of many folds at once, and how often the others look meanwhile: here it is this one.
    const writer = await loadTable(LOCATION, { store, runtime: { ...systemRuntime, random: () => 0 } })
    const first = await writer.append([person(1)])
    expect(first.stats).toMatchObject({ by: 'own-fold', attempts: 1, foldSize: 1_000 })
    const { list, put, get } = first.stats!.requests
    expect(list, 'five pages and the end, to see that there is company, and again to fold it').toBeLessThanOrEqual(13)
    expect(put + get).toBeLessThanOrEqual(12)
    // To the end of their window and beyond: by then each is in, or out for ever.
    let id = 2
    while (writer.version < firstBase + 20) {
      const more = await writer.append([person(id++)])
      expect(more.stats!.requests.list + more.stats!.requests.put + more.stats!.requests.get).toBeLessThanOrEqual(40)
      expect(ledgerOf(writer.metadata), 'the ledger stays readable').toBeDefined()
    }
    await writer.flush()

    const reader = await loadTable(LOCATION, { store })
    const paths: string[] = []
    for (const manifest of await reader.snapshots().at(-1)!.manifests()) {
      for await (const { dataFile } of manifest.entries()) paths.push(dataFile.path)
    }
    expect(new Set(paths).size, 'no file is listed twice').toBe(paths.length)
    const folded = paths.filter((path) => planted.has(store.keyOf(path)!)).length
    expect(folded).toBeGreaterThan(3_900)
    const rows = await reader.scan().toArray()
    expect(rows.length).toBe(paths.length)
    const ids = rows.map((row) => Number(row.id)).filter((one) => one !== 0)
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: id - 1 }, (_, i) => i + 1))
    expect(await reader.scan().count()).toBe(rows.length)
  }, 60_000)
})

describe('objects in the inbox that are no appends', () => {
  const text = (what: string) => new TextEncoder().encode(what)

  async function hostile() {
    const made = await newTable()
    const { table, sample } = made
    const { metadata, version: base } = table
    const spec = specById(metadata, sample.dataFile.specId)!
    const schema = currentSchema(metadata)
    const own = uuid8(metadata.tableUuid)
    const named = (kind: 'file' | 'manifest', descriptor: Uint8Array, of = own) =>
      intentName({ kind, base, id: newIntentId(systemRuntime), uuid8: of, descriptor })!
    const described = (change: object) => encodeFileDescriptor({ ...sample.dataFile, ...change }, schema, spec, false)!
    const manifest = (change: object) =>
      encodeManifestDescriptor({ schemaId: 0, specId: 0, files: 1, rows: 1n, lengthBytes: 7, ...change })
    const objects: readonly (readonly [string, string, Uint8Array])[] = [
      ['a name that is none', 'data/in/readme.txt', text('hello')],
      ['a name in the wrong folder', `data/in/00000000f/${intentNameOf(table, sample).split('/')[3]}`, sample.bytes],
      ['a name with an id that is none', intentNameOf(table, sample).replace(/-[0-9a-v]{16}-/, '-zzzz-'), sample.bytes],
      ['a descriptor that is no Avro', named('file', new Uint8Array([2, 255, 255, 255])), sample.bytes],
      ['an unknown descriptor format', named('file', new Uint8Array([126, 0, 0])), sample.bytes],
      ['a wrong size', intentNameOf(table, sample), text('PAR1 but not really')],
      ['nothing in it', intentNameOf(table, sample), new Uint8Array()],
      ['more than 8 MiB', named('file', described({ fileSizeBytes: 8_400_000n })), new Uint8Array(8_400_000)],
      [
        'an unknown schema',
        named('file', encodeFileDescriptor(sample.dataFile, { ...schema, schemaId: 77 }, spec, false)!),
        sample.bytes,
      ],
      [
        'an unknown spec',
        named('file', encodeFileDescriptor({ ...sample.dataFile, specId: 9 }, schema, { ...spec, specId: 9 }, false)!),
        sample.bytes,
      ],
      [
        'another table',
        intentNameOf(table, sample, { uuid8: own === '00000000' ? '11111111' : '00000000' }),
        sample.bytes,
      ],
      ['a base that no version has yet', intentNameOf(table, sample, { base: 5_000 }), sample.bytes],
      ['a manifest of garbage', named('manifest', manifest({})), text('garbage')],
      ['a manifest of an unknown schema', named('manifest', manifest({ schemaId: 55 })), text('garbage')],
      ['a manifest of a wrong size', named('manifest', manifest({ lengthBytes: 99 })), text('garbage')],
      [
        'a Parquet file that calls itself a manifest',
        named('manifest', manifest({ lengthBytes: sample.bytes.length })),
        sample.bytes,
      ],
      ['a hold that is no hold', 'data/in/hold/x/y/z', text('?')],
    ]
    return { ...made, objects }
  }

  test('are passed over, alone and in company, and stay where they are', async () => {
    const { store, table, objects } = await hostile()
    for (const [, name, bytes] of objects) await store.put(`t/${name}`, bytes)
    const writers = await Promise.all(Array.from({ length: 6 }, () => loadTable(LOCATION, { store })))
    const results = await Promise.all(writers.map((writer, i) => writer.append([person(i + 1)])))
    expect(results.every(({ rows }) => rows === 1)).toBe(true)
    await table.refresh()
    for (let id = 7; id < 30; id++) await table.append([person(id)])
    const rows = await table.scan().toArray()
    expect(rows.map((row) => Number(row.id)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i))
    for (const [what, name] of objects) expect(await store.head(`t/${name}`), what).toBeDefined()
  }, 30_000)

  test('a real append among them is folded', async () => {
    const { store, table, sample, objects } = await hostile()
    for (const [, name, bytes] of objects) await store.put(`t/${name}`, bytes)
    await plantIntents(table, store, 't', sample, 1)
    const result = await (await loadTable(LOCATION, { store })).append([person(1)])
    expect(result.stats).toMatchObject({ by: 'own-fold', foldSize: 2 })
    await table.refresh()
    expect((await table.scan().toArray()).map((row) => Number(row.id)).toSorted()).toEqual([0, 0, 1])
  })
})

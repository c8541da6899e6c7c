/** What a folder makes of intents: those that say something sensible, and fit the table as it is now. */
import { describe, expect, test } from 'vitest'
import { encodeManifestDescriptor } from '../../src/codec/descriptor.ts'
import type { Described } from '../../src/commit/candidates.ts'
import { describe as describeIntent, fitsSchema, readCandidates } from '../../src/commit/candidates.ts'
import type { ListedIntent } from '../../src/commit/inbox.ts'
import { listInbox } from '../../src/commit/inbox.ts'
import { uuid8 } from '../../src/commit/intent.ts'
import { DataShardError } from '../../src/errors.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { Schema } from '../../src/spec/types.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable } from '../support/folding-table.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

type Field = Schema['fields'][number]

async function listed(table: FoldingTable): Promise<readonly ListedIntent[]> {
  const { metadata } = await table.head()
  return (await listInbox(table.place, uuid8(metadata.tableUuid), 0, new Set())).intents
}

/** The data files that a fold would take from the inbox. */
async function taken(table: FoldingTable, change: (intent: ListedIntent) => ListedIntent = (intent) => intent) {
  const { metadata } = await table.head()
  const described = (await listed(table)).flatMap(
    (intent): Described | readonly Described[] => describeIntent(change(intent), metadata, table.files) ?? [],
  )
  const read = await readCandidates(described, metadata, table.files, undefined)
  return read.map(({ dataFiles }) => dataFiles.map(({ path }) => path))
}

describe('rows written by an older schema fit the table', () => {
  const text = (id: number, required: boolean): Field => ({
    id,
    name: `c${id}`,
    required,
    type: { type: 'string' },
  })
  /** Written by schema 0; the table has schema 1 now. */
  const fits = (written: readonly Field[], now: readonly Field[]) => {
    const metadata: TableMetadata = {
      ...sampleMetadata(),
      schemas: [
        { schemaId: 0, fields: written },
        { schemaId: 1, fields: now },
      ],
      currentSchemaId: 1,
    }
    return fitsSchema(metadata, 0, 0)
  }

  test.each([
    ['an optional column came', [text(1, true)], [text(1, true), text(2, false)], true],
    ['a required column came', [text(1, true)], [text(1, true), text(2, true)], false],
    ['a column became required', [text(1, false)], [text(1, true)], false],
    ['a column became optional', [text(1, true)], [text(1, false)], true],
    ['a column went', [text(1, true), text(2, true)], [text(1, true)], true],
  ])('%s', (_, written, now, isFit) => {
    expect(fits(written, now)).toBe(isFit)
  })

  test('that of now fits, and what the table does not know does not', () => {
    const metadata = sampleMetadata()
    expect(fitsSchema(metadata, 0, 0)).toBe(true)
    expect(fitsSchema(metadata, 1, 0)).toBe(false)
    expect(fitsSchema(metadata, 0, 1)).toBe(false)
  })
})

describe('a folder takes', () => {
  test('files as their names describe them, without a request, and manifests in their place', async () => {
    const table = await foldingTable()
    const published = [await table.publish(), await table.publish({ manifestOf: 3 }), await table.publish()]
    table.store.calls.length = 0
    const inOrder = published.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect(await taken(table)).toEqual(inOrder.map(({ paths }) => paths))
    expect(table.calls('get').filter((key) => key.includes('/in/'))).toEqual([published[1]!.key])
  })

  test('what names say of a file: rows, size, and where it lies', async () => {
    const table = await foldingTable()
    const { key } = await table.publish({ rows: 12n })
    const [intent] = await listed(table)
    expect(describeIntent(intent!, (await table.head()).metadata, table.files)?.dataFiles).toMatchObject([
      { content: 'data', format: 'parquet', path: table.files.pathOf(key), recordCount: 12n, fileSizeBytes: 100n },
    ])
  })

  test('130 manifests, 64 at a time', async () => {
    const table = await foldingTable()
    for (let i = 0; i < 130; i++) await table.publish({ manifestOf: 1 })
    let [underWay, most] = [0, 0]
    table.store.rule = ({ verb, key }) => {
      if (verb !== 'get' || !key.includes('/in/')) return undefined
      most = Math.max(most, ++underWay)
      return async () => {
        await new Promise(setImmediate)
        underWay -= 1
      }
    }
    expect(await taken(table)).toHaveLength(130)
    expect(most).toBe(64)
  })
})

describe('a folder leaves', () => {
  test.each([1, -1])('an object of another size than its name says (%i)', async (more) => {
    const table = await foldingTable()
    await table.publish()
    await table.publish({ manifestOf: 2 })
    expect(await taken(table, (intent) => ({ ...intent, size: intent.size + more }))).toEqual([])
  })

  test('a name that says nothing', async () => {
    const table = await foldingTable()
    await table.publish()
    await table.publish({ manifestOf: 1 })
    expect(await taken(table, (intent) => ({ ...intent, descriptor: new Uint8Array([9]) }))).toEqual([])
  })

  test('a file that calls itself a manifest, and the other way round', async () => {
    const table = await foldingTable()
    await table.publish()
    await table.publish({ manifestOf: 1 })
    const swapped = (intent: ListedIntent): ListedIntent => ({
      ...intent,
      kind: intent.kind === 'file' ? 'manifest' : 'file',
    })
    expect(await taken(table, swapped)).toEqual([])
  })

  test.each([
    ['rows', { rows: 3n }],
    ['schema', { schemaId: 5 }],
    ['spec', { specId: 5 }],
  ])('a manifest whose name says other %s', async (_, change) => {
    const table = await foldingTable()
    await table.publish({ manifestOf: 2 })
    const other = (intent: ListedIntent): ListedIntent => {
      const counts = { schemaId: 0, specId: 0, files: 2, rows: 2n, lengthBytes: intent.size, ...change }
      return { ...intent, descriptor: encodeManifestDescriptor(counts) }
    }
    expect(await taken(table, (intent) => intent)).toHaveLength(1)
    expect(await taken(table, other)).toEqual([])
  })

  test('a manifest that is gone, or is none', async () => {
    const table = await foldingTable()
    const gone = await table.publish({ manifestOf: 1 })
    const damaged = await table.publish({ manifestOf: 1 })
    const sound = await table.publish({ manifestOf: 1 })
    const { size } = (await table.store.head(damaged.key))!
    await table.store.put(damaged.key, new Uint8Array(size))
    table.store.rule = ({ verb, key }) =>
      verb === 'get' && key === gone.key ? async () => void (await table.store.delete([key])) : undefined
    expect(await taken(table)).toEqual([sound.paths])
  })

  test('nothing because the store does not answer: the fold fails', async () => {
    const table = await foldingTable()
    await table.publish({ manifestOf: 1 })
    const away = new DataShardError('unavailable', 'nothing listens')
    table.store.rule = ({ verb, key }) => (verb === 'get' && key.includes('/in/') ? away : undefined)
    await expect(taken(table)).rejects.toBe(away)
  })
})

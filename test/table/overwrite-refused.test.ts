import { describe, expect, test } from 'vitest'
import { describeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import { encodeManifestList } from '../../src/codec/manifest-list.ts'
import { encodeTable } from '../../src/commit/document.ts'
import type { DataFile, ManifestEntry } from '../../src/spec/data-file.ts'
import { alwaysTrue, eq } from '../../src/spec/expressions.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { collect, people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

/** A table of two rows, and what another engine makes of it as version 3. */
async function changedByOthers(change: (metadata: TableMetadata) => TableMetadata) {
  const store = memoryStore()
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(1), person(2)])
  await table.flush()
  await store.put('t/metadata/v3.metadata.json', encodeTable(change(table.metadata), 'n'), { mode: 'create' })
  return { store, table }
}

describe('overwrite is refused', () => {
  test('where rows are hidden by delete files: they would come back', async () => {
    for (const status of ['added', 'deleted'] as const) {
      const { store, table } = await changedByOthers((metadata) => metadata)
      await table.refresh()
      const { metadata } = table
      const [schema, spec] = [table.schema, table.partitionSpec]
      const [data] = await collect(table.files())
      const hides: DataFile = { ...data!, content: 'position-deletes', path: `${LOCATION}/data/deletes.parquet` }
      const numbers = { snapshotId: 7n, sequenceNumber: 2n, fileSequenceNumber: 2n }
      const entries: ManifestEntry[] = [{ status, ...numbers, dataFile: hides }]
      const bytes = encodeManifest({ entries, schema, spec, content: 'deletes', formatVersion: 2 })
      const path = `${LOCATION}/metadata/deletes.avro`
      const own = { path, lengthBytes: bytes.length, content: 'deletes', entries, schema, spec } as const
      const manifests = [
        describeManifest({ ...own, snapshotId: 7n, sequenceNumber: 2n }),
        ...(await table.currentSnapshot()!.manifests()),
      ]
      await store.put('t/metadata/deletes.avro', bytes)
      const list = encodeManifestList({ manifests, snapshotId: 7n, sequenceNumber: 2n, formatVersion: 2 })
      await store.put('t/metadata/list.avro', list)
      const snapshot = {
        ...metadata.snapshots[0]!,
        snapshotId: 7n,
        sequenceNumber: 2n,
        manifestList: `${LOCATION}/metadata/list.avro`,
      }
      const next: TableMetadata = {
        ...metadata,
        lastSequenceNumber: 2n,
        currentSnapshotId: 7n,
        snapshots: [...metadata.snapshots, snapshot],
        refs: { main: { type: 'branch', snapshotId: 7n } },
      }
      await store.put('t/metadata/v4.metadata.json', encodeTable(next, 'm'), { mode: 'create' })
      const removal = table.delete(eq('id', 1))
      if (status === 'added') {
        await expect(removal).rejects.toMatchObject({ code: 'unsupported', details: { path } })
        expect(table.version).toBe(4)
      } else {
        // Deletes that are gone themselves hide nothing.
        expect(await removal).toMatchObject({ deletedRows: 1, version: 5 })
        const contents = (await table.currentSnapshot()!.manifests()).map(({ content }) => content)
        expect(contents).toEqual(['data', 'data'])
      }
    }
  })

  test('in format v1 and v3, and while another engine would fork the table', async () => {
    for (const change of [
      { formatVersion: 1 },
      { formatVersion: 3, nextRowId: 0n },
      { properties: { 'write.metadata.compression-codec': 'gzip' } },
    ] as const) {
      const { store, table } = await changedByOthers((metadata) => ({ ...metadata, ...change }))
      await expect(table.delete(alwaysTrue()), JSON.stringify(Object.keys(change))).rejects.toMatchObject({
        code: 'unsupported',
      })
      const again = await loadTable(LOCATION, { store })
      const later = again.overwrite(eq('id', 1), [person(3)])
      await expect(later).rejects.toMatchObject({ code: 'unsupported' })
      const objects = await collect(store.list('t/data/'))
      expect(objects.length).toBe(1)
    }
  })

  test('where the table was opened by one metadata file', async () => {
    const { store, table } = await changedByOthers((metadata) => metadata)
    const state = await loadTable(`${LOCATION}/metadata/v${table.version}.metadata.json`, { store })
    await expect(state.delete(alwaysTrue())).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('where a file is missing, by name', async () => {
    const { store, table } = await changedByOthers((metadata) => metadata)
    const [file] = await collect(table.files())
    await store.delete([file!.path.slice('memory://store/'.length)])
    await expect(table.delete(eq('id', 1))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(file!.path) as string,
    })
    // Without a look into it, it can go.
    expect(await table.delete(alwaysTrue())).toMatchObject({ deletedRows: 2 })
  })
})

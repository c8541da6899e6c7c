/** What a replacement makes of one base: its snapshot, its manifests, and what it refuses. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NothingLeft } from '../../src/commit/replace-files.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { applyUpdates } from '../../src/spec/updates.ts'
import { file, OWN_ID, removalOf, replaceWorld } from '../support/replace-world.ts'
import type { ReplaceWorld } from '../support/replace-world.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

let world: ReplaceWorld
/** Files a and b of one snapshot, c of the next. */
let base: TableMetadata

beforeEach(async () => {
  world = replaceWorld()
  base = await world.append(await world.append(sampleMetadata(), 'a', 'b'), 'c')
  world.store.calls.length = 0
})

describe('a replacement of some files', () => {
  test('leaves those beside them in a manifest of its own, and others where they are', async () => {
    const next = await world.commit(base, world.replace(removalOf(world, { a: [] })))
    expect(await world.contents(next)).toEqual([['+c'], ['-a', '=b']])
    const [before, after] = await Promise.all([world.listedIn(base), world.listedIn(next)])
    expect(after[0]).toEqual(before[0])
    expect(after[1]).toMatchObject({ addedSnapshotId: OWN_ID, sequenceNumber: 3n, minSequenceNumber: 1n })
  })

  test('lists what takes their place first, as files that this snapshot adds', async () => {
    const next = await world.commit(base, world.replace(removalOf(world, { a: [file('a2')], c: [file('c2')] })))
    expect(await world.contents(next)).toEqual([['+c2', '+a2'], ['-c'], ['-a', '=b']])
    const [added] = await world.listedIn(next)
    expect(added).toMatchObject({ addedSnapshotId: OWN_ID, sequenceNumber: 3n, addedFilesCount: 2 })
    const [entry] = await world.entriesOf(added!)
    expect(entry).toMatchObject({ snapshotId: OWN_ID, sequenceNumber: 3n, fileSequenceNumber: 3n })
  })

  test('is a snapshot on top of its base, as any other', async () => {
    const summary = { 'datashard.note': 'mine' }
    const change = world.replace(removalOf(world, { a: [file('a2', { recordCount: 4n, fileSizeBytes: 400n })] }), {
      summary,
    })
    const next = await world.commit(base, change)
    const parent = currentSnapshot(base)!
    expect(currentSnapshot(next)).toEqual({
      snapshotId: OWN_ID,
      parentSnapshotId: parent.snapshotId,
      sequenceNumber: 3n,
      timestampMs: parent.timestampMs + 1,
      manifestList: expect.stringMatching(/^memory:\/\/test\/t\/metadata\/snap-4242-1-[0-9a-f-]{36}\.avro$/) as string,
      schemaId: base.currentSchemaId,
      summary: {
        operation: 'overwrite',
        'added-data-files': '1',
        'added-records': '4',
        'added-files-size': '400',
        'deleted-data-files': '1',
        'deleted-records': '10',
        'removed-files-size': '1000',
        'changed-partition-count': '1',
        'total-records': '24',
        'total-files-size': '2400',
        'total-data-files': '3',
        'total-delete-files': '0',
        'total-position-deletes': '0',
        'total-equality-deletes': '0',
        'datashard.note': 'mine',
      },
    })
    expect(next.refs['main']!.snapshotId).toBe(OWN_ID)
  })

  test('counts the rows that are gone: those of the files without those that stay', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2', { recordCount: 4n })], c: [] }))
    expect(change.result()).toEqual({ snapshotId: undefined, deletedRows: 0n })
    await world.commit(base, change)
    expect(change.result()).toEqual({ snapshotId: OWN_ID, deletedRows: 16n })
  })

  test('adds files of its own besides, whose rows are not counted as staying', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2', { recordCount: 4n })] }), {
      appended: [world.appended('new', Uint8Array.of(1, 2, 3))],
    })
    const next = await world.commit(base, change)
    expect(await world.contents(next)).toEqual([['+new', '+a2'], ['+c'], ['-a', '=b']])
    expect(change.result().deletedRows).toBe(6n)
    expect(await world.store.get('t/data/new')).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('no longer lists manifests of which earlier snapshots left nothing', async () => {
    const without = await world.commit(base, world.replace(removalOf(world, { c: [] })))
    expect(await world.contents(without)).toEqual([['-c'], ['+a', '+b']])
    const next = await world.commit(without, world.replace(removalOf(world, { a: [] }), { snapshotId: OWN_ID + 1n }))
    expect(await world.contents(next)).toEqual([['-a', '=b']])
  })

  test('that finds nothing, but adds, is an append', async () => {
    const appended = [world.appended('new')]
    const next = await world.commit(base, world.replace(removalOf(world, {}), { appended }))
    expect(currentSnapshot(next)!.summary).toMatchObject({ operation: 'append', 'total-records': '40' })
    expect(await world.contents(next)).toEqual([['+new'], ['+c'], ['+a', '+b']])
    const first = await world.commit(sampleMetadata(), world.replace(removalOf(world, {}), { appended }))
    expect(currentSnapshot(first)).not.toHaveProperty('parentSnapshotId')
    expect(await world.contents(first)).toEqual([['+new']])
  })

  test('that finds and adds nothing is told apart, and writes nothing', async () => {
    const derived = world.replace(removalOf(world, {})).derive(base, world.context())
    await expect(derived).rejects.toBeInstanceOf(NothingLeft)
    expect(world.puts()).toEqual([])
  })
})

describe('with other changes in the same commit', () => {
  const SET = { action: 'set-properties', updates: { first: '1' } } as const
  const ALSO = { action: 'set-properties', updates: { last: '1' } } as const

  test('those before it are part of its base, those after see its snapshot, and all are in order', async () => {
    const seen: (TableMetadata | undefined)[] = []
    const { updates } = await world
      .replace(removalOf(world, { a: [] }), {
        before: (head) => (expect(head).toBe(base), [SET]),
        verify: async (on) => void seen.push(on),
        also: (on, snapshot) => {
          seen.push(on)
          expect(currentSnapshot(on)).toEqual(snapshot)
          return [ALSO]
        },
      })
      .derive(base, world.context())
    expect(seen.map((one) => one!.properties['first'])).toEqual(['1', '1'])
    expect(updates.map(({ action }) => action)).toEqual([
      'set-properties',
      'add-snapshot',
      'set-snapshot-ref',
      'set-properties',
    ])
    expect(applyUpdates(base, updates, { nowMs: 0, baseFile: '' }).properties).toEqual({ first: '1', last: '1' })
  })

  test('these are made without a snapshot where nothing is to be replaced', async () => {
    const change = world.replace(removalOf(world, {}), {
      before: () => [SET],
      also: (on, snapshot) => (expect([on.properties['first'], snapshot]).toEqual(['1', undefined]), [ALSO]),
    })
    expect(await change.derive(base, world.context())).toEqual({ updates: [SET, ALSO], scratch: [] })
    expect(change.result()).toEqual({ snapshotId: undefined, deletedRows: 0n })
  })

  test('verify is asked about what the base lists, and may refuse', async () => {
    const listed: (readonly ManifestFile[])[] = []
    const verify = async (_base: TableMetadata, of: readonly ManifestFile[]) => {
      listed.push(of)
      throw new Error('refused')
    }
    const change = world.replace(removalOf(world, { a: [] }), { verify })
    await expect(change.derive(base, world.context())).rejects.toThrow('refused')
    expect(listed).toEqual([await world.listedIn(base)])
    expect(world.puts()).toEqual([])
  })
})

describe('a table with row-level deletes', () => {
  const withDeletes = async (counts: Partial<ManifestFile>) => {
    const listed = await world.listedIn(base)
    const deletes: ManifestFile = {
      ...listed[0]!,
      path: 'memory://test/t/metadata/d.avro',
      content: 'deletes',
      ...counts,
    }
    world.lists.set(currentSnapshot(base)!.manifestList!, [...listed, deletes])
  }

  test('is refused: rows that they hide would come back', async () => {
    await withDeletes({ addedFilesCount: 0, existingFilesCount: 1 })
    const change = world.replace(removalOf(world, { a: [] }))
    const path = 'memory://test/t/metadata/d.avro'
    const refused = { code: 'unsupported', details: { table: 'memory://test/t', path, feature: 'delete files' } }
    await expect(change.derive(base, world.context())).rejects.toMatchObject(refused)
    await expect(change.prepare(base, undefined)).rejects.toMatchObject(refused)
    expect(world.puts()).toEqual([])
  })

  test('is not, once all of these are gone', async () => {
    await withDeletes({ addedFilesCount: 0, existingFilesCount: 0, deletedFilesCount: 1 })
    const next = await world.commit(base, world.replace(removalOf(world, { a: [] })))
    expect(await world.contents(next)).toEqual([['+c'], ['-a', '=b']])
  })
})

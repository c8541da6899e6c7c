/** A replacement that is made again on newer bases: what it writes once, what again, and what it leaves to be deleted. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NothingLeft } from '../../src/commit/replace-files.ts'
import { DataShardError } from '../../src/errors.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { file, kindOf, removalOf, replaceWorld } from '../support/replace-world.ts'
import type { ReplaceWorld } from '../support/replace-world.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

let world: ReplaceWorld
/** Files a and b in one manifest. */
let base: TableMetadata
const bytes = Uint8Array.of(1, 2, 3)
const failing = new DataShardError('unavailable', 'no answer')

beforeEach(async () => {
  world = replaceWorld()
  base = await world.append(sampleMetadata(), 'a', 'b')
  world.store.calls.length = 0
})

describe('on a newer base', () => {
  test('only the list is written again, and what others appended is carried on', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')] }), { appended: [world.appended('new', bytes)] })
    await change.derive(base, world.context(1))
    expect(world.puts().toSorted()).toEqual(['data', 'list', 'manifest', 'manifest'])
    const newer = await world.append(base, 'c')
    world.puts()
    const next = await world.commit(newer, change, 2)
    expect(world.puts()).toEqual(['list'])
    expect(await world.contents(next)).toEqual([['+new', '+a2'], ['+c'], ['-a', '=b']])
    expect(currentSnapshot(next)).toMatchObject({ sequenceNumber: 3n, parentSnapshotId: newer.currentSnapshotId })
    expect(currentSnapshot(next)!.manifestList).toContain('/snap-4242-2-')
    expect((await world.listedIn(next)).map((one) => one.sequenceNumber)).toEqual([3n, 2n, 3n])
  })

  test('what others appended goes too, where it matches; the list that was written on the guess is left over', async () => {
    const change = world.replace(removalOf(world, { a: [], c: [] }))
    await change.derive(base, world.context(1))
    const newer = await world.append(base, 'c')
    world.puts()
    const { updates, scratch } = await change.derive(newer, world.context(2))
    // The guess, and the new manifest beside it; then the list as it is.
    expect(world.puts()).toEqual(['list', 'manifest', 'list'])
    expect(change.result().deletedRows).toBe(20n)
    const unused = await change.written('unused')
    expect(unused.map(kindOf)).toEqual(['list'])
    expect(scratch.map(kindOf)).toEqual(['list'])
    expect(unused).not.toEqual(scratch)
    expect(updates[0]).toMatchObject({ snapshot: { manifestList: world.files.pathOf(scratch[0]!) } })
  })

  test('a manifest for added files is written anew only if there are others', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')], c: [file('c2')] }))
    await change.derive(base, world.context(1))
    const newer = await world.append(base, 'c')
    world.puts()
    const next = await world.commit(newer, change, 2)
    expect(await world.contents(next)).toEqual([['+c2', '+a2'], ['-c'], ['-a', '=b']])
    // Rewritten manifest and list on the guess; what is added, and the list.
    expect(world.puts().toSorted()).toEqual(['list', 'list', 'manifest', 'manifest'])
    expect((await change.written('unused')).map(kindOf).toSorted()).toEqual(['list', 'manifest'])
  })

  test('what takes the place of files that others removed meanwhile is not added', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')], c: [file('c2')] }))
    await change.derive(base, world.context(1))
    const emptied = await world.commit(base, world.replace(removalOf(world, { a: [], b: [] }), { snapshotId: 7n }))
    const next = await world.commit(await world.append(emptied, 'c'), change, 2)
    expect(await world.contents(next)).toEqual([['+c2'], ['-c']])
    expect(currentSnapshot(next)!.summary).toMatchObject({ 'added-data-files': '1', 'total-data-files': '1' })
  })

  test('on which nothing is left there is no snapshot, and all that was written is of no use', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')] }))
    const { scratch } = await change.derive(base, world.context(1))
    const emptied = await world.commit(base, world.replace(removalOf(world, { a: [], b: [] }), { snapshotId: 7n }))
    await expect(change.derive(emptied, world.context(2))).rejects.toBeInstanceOf(NothingLeft)
    const all = await change.written('all')
    expect(all.map(kindOf)).toEqual(['manifest', 'manifest'])
    expect(all).not.toContain(scratch[0])
    const kept = world.replace(removalOf(world, { a: [] }), { also: () => [{ action: 'set-properties', updates: {} }] })
    await kept.derive(base, world.context(1))
    expect(kept.result().deletedRows).toBe(10n)
    await kept.derive(emptied, world.context(2))
    expect(kept.result()).toEqual({ snapshotId: undefined, deletedRows: 0n })
    expect(await kept.written('unused')).toEqual(await kept.written('all'))
  })

  test('the list costs no request when that snapshot is the next base', async () => {
    const next = await world.commit(base, world.replace(removalOf(world, { a: [] })))
    world.store.calls.length = 0
    const listed = await world.lists.get(currentSnapshot(next)!)
    expect(world.store.calls).toEqual([])
    expect(listed).toEqual(await world.listedIn(next))
  })
})

describe('what was written', () => {
  test('are manifests and files, used by the last attempt; its list is scratch', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')] }), {
      appended: [world.appended('new', bytes), world.appended('there already')],
    })
    const { scratch } = await change.derive(base, world.context())
    const all = await change.written('all')
    expect(all.map(kindOf).toSorted()).toEqual(['data', 'manifest', 'manifest'])
    expect(all).toContain('t/data/new')
    expect(await change.written('unused')).toEqual([])
    expect(all).not.toContain(scratch[0])
  })

  test.for(['data', 'manifest', 'list'] as const)(
    'is told in full, list and all, where a %s could not be put',
    async (kind) => {
      world.store.rule = ({ verb, key }) => (verb === 'put' && kindOf(key) === kind ? failing : undefined)
      const change = world.replace(removalOf(world, { a: [file('a2')] }), { appended: [world.appended('new', bytes)] })
      await expect(change.derive(base, world.context())).rejects.toBe(failing)
      const all = await change.written('all')
      expect(all.map(kindOf).toSorted()).toEqual(['data', 'list', 'manifest', 'manifest'])
      expect(new Set(all).size).toBe(4)
    },
  )

  test('is told in full where what else the commit changes makes no sense any more', async () => {
    const also = () => {
      throw new DataShardError('commit-conflict', 'the tag is there already')
    }
    const change = world.replace(removalOf(world, { a: [] }), { also })
    await expect(change.derive(base, world.context())).rejects.toMatchObject({ code: 'commit-conflict' })
    expect((await change.written('all')).map(kindOf).toSorted()).toEqual(['list', 'manifest'])
  })

  test('is told in full where the search failed beside a list that was written on the guess', async () => {
    const source = removalOf(world, { a: [] })
    const change = world.replace(source)
    await change.derive(base, world.context(1))
    const newer = await world.append(base, 'c')
    source.find = () => Promise.reject(failing)
    world.puts()
    await expect(change.derive(newer, world.context(2))).rejects.toBe(failing)
    expect(world.puts()).toEqual(['list'])
    expect((await change.written('all')).map(kindOf)).toEqual(['list', 'manifest'])
  })
})

describe('what is prepared before the commit', () => {
  test('is found and written, so that the commit writes no more than lists and what it adds', async () => {
    const change = world.replace(removalOf(world, { a: [file('a2')] }))
    expect(await change.prepare(base, undefined)).toBe(true)
    expect(world.puts()).toEqual(['manifest'])
    await change.derive(base, world.context())
    expect(world.puts().toSorted()).toEqual(['list', 'manifest'])
    expect(await change.written('unused')).toEqual([])
  })

  test('fails if that cannot be written', async () => {
    world.store.rule = ({ verb }) => (verb === 'put' ? failing : undefined)
    await expect(world.replace(removalOf(world, { a: [] })).prepare(base, undefined)).rejects.toBe(failing)
  })

  test('tells whether there is anything to commit', async () => {
    const nothing = removalOf(world, {})
    const SET = { action: 'set-properties', updates: {} } as const
    const prepared = (options: Parameters<typeof world.replace>[1]) =>
      world.replace(nothing, options).prepare(base, undefined)
    expect(await prepared({})).toBe(false)
    expect(await prepared({ before: () => [], also: () => [] })).toBe(false)
    expect(await prepared({ appended: [world.appended('new')] })).toBe(true)
    expect(await prepared({ before: () => [SET] })).toBe(true)
    expect(await prepared({ also: () => [SET] })).toBe(true)
    expect(await world.replace(nothing).prepare(sampleMetadata(), undefined)).toBe(false)
    expect(world.puts()).toEqual([])
  })
})

test('says what it is, for messages, and since when it writes', () => {
  const plain = world.replace(removalOf(world, {}))
  expect(plain.what).toBe('the overwrite of memory://test/t')
  expect(plain.begun).toEqual({ wallMs: world.runtime.now(), monotonicMs: world.runtime.monotonic() })
  const begun = { wallMs: 1, monotonicMs: 2 }
  const named = world.replace(removalOf(world, {}), { what: 'the transaction', begun })
  expect([named.what, named.begun]).toEqual(['the transaction', begun])
})

/** An append as a change: what it writes once, what for each base, and what it leaves to be deleted. */
import { expect, test } from 'vitest'
import { appendChange } from '../../src/commit/append.ts'
import { DataShardError } from '../../src/errors.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { kindOf, replaceWorld } from '../support/replace-world.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const BYTES = Uint8Array.of(1)

test('files and their manifest are written once, the list for each base, on top of what others appended', async () => {
  const world = replaceWorld()
  const change = appendChange({ ...world, appended: [world.appended('a', BYTES), world.appended('there already')] })
  const first = await change.derive(sampleMetadata(), world.context(1))
  expect(world.puts().toSorted()).toEqual(['data', 'list', 'manifest'])
  expect(first.scratch.map(kindOf)).toEqual(['list'])
  const newer = await world.append(sampleMetadata(), 'b')
  world.puts()
  const next = await world.commit(newer, change, 2)
  expect(world.puts()).toEqual(['list'])
  expect(await world.contents(next)).toEqual([['+a', '+there already'], ['+b']])
  expect(currentSnapshot(next)!.snapshotId).toBe(change.snapshotId)
  expect(change.written().map(kindOf)).toEqual(['data', 'manifest'])
})

test.for(['data', 'manifest', 'list'] as const)(
  'what was written is told in full where a %s could not be put',
  async (kind) => {
    const world = replaceWorld()
    const failing = new DataShardError('unavailable', 'no answer')
    world.store.rule = ({ verb, key }) => (verb === 'put' && kindOf(key) === kind ? failing : undefined)
    const change = appendChange({ ...world, appended: [world.appended('a', BYTES)] })
    await expect(change.derive(sampleMetadata(), world.context())).rejects.toBe(failing)
    expect(change.written().map(kindOf)).toEqual(['data', 'manifest', 'list'])
  },
)

test('what was written is told in full where what else the commit changes makes no sense any more', async () => {
  const world = replaceWorld()
  const also = () => {
    throw new DataShardError('commit-conflict', 'the tag is there already')
  }
  const change = appendChange({ ...world, appended: [world.appended('a', BYTES)], also })
  await expect(change.derive(sampleMetadata(), world.context())).rejects.toMatchObject({ code: 'commit-conflict' })
  expect(change.written().map(kindOf)).toEqual(['data', 'manifest', 'list'])
})

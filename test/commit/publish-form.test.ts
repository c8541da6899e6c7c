/** In which form an append is published, and that a folder finds in the inbox what was appended. */
import { beforeEach, describe, expect, test } from 'vitest'
import { describe as described, readCandidates } from '../../src/commit/candidates.ts'
import type { FoldContext } from '../../src/commit/fold.ts'
import { listInbox } from '../../src/commit/inbox.ts'
import { uuid8 } from '../../src/commit/intent.ts'
import type { UnitState } from '../../src/commit/landing.ts'
import { isDescribable, publish } from '../../src/commit/publish.ts'
import { Watch } from '../../src/commit/watch.ts'
import { type Chain, newChain } from '../support/chain.ts'
import { controlOf, unitOf, writerOn } from '../support/writer.ts'

const intent = { id: '0123456789abcdef', base: 1 }
const MIB = 1024 * 1024
const text = (content: string) => new TextEncoder().encode(content)

let chain: Chain
let context: FoldContext

async function begin(properties: Record<string, string> = {}): Promise<void> {
  chain = newChain()
  await chain.put(1, { properties })
  context = writerOn(chain, await chain.committerAt(1))
  chain.requests()
}

beforeEach(() => begin())

async function published(state: UnitState): Promise<void> {
  await publish(context, state, new Watch(intent), controlOf(chain).control)
  await context.committer.flush()
}

/** The append as who folds it reads it from the inbox. */
async function folded() {
  const { metadata } = context.committer.head
  const { intents } = await listInbox(chain.place, uuid8(metadata.tableUuid), 0, new Set())
  const found = intents.flatMap((one) => described(one, metadata, context.files) ?? [])
  const [candidate] = await readCandidates(found, metadata, context.files, undefined)
  return candidate!
}

const puts = () => chain.store.calls.filter(({ verb }) => verb === 'put').map(({ key }) => key)
const COUNTS = { valueCounts: new Map([[2, 10n]]), nullValueCounts: new Map([[2, 0n]]) }
const NAMES = { ...COUNTS, lowerBounds: new Map([[2, text('Anna')]]), upperBounds: new Map([[2, text('Zoe')]]) }

describe('one file in memory', () => {
  test.each([1_000, 8 * MIB])('of %i bytes is published itself, in one put', async (size) => {
    const state = unitOf(context, [size])
    await published(state)
    const { intent: found, dataFiles } = await folded()
    expect(found).toMatchObject({ ...intent, kind: 'file', size })
    expect(puts()).toEqual([found.key])
    expect(Buffer.compare((await chain.store.get(found.key))!, state.unit.appended[0]!.bytes!)).toBe(0)
    // Where it lies is its place in the table from now on.
    expect(dataFiles).toMatchObject([{ recordCount: 10n, path: context.files.pathOf(found.key) }])
    expect(state.dataFiles.map(({ path }) => path)).toEqual(dataFiles.map(({ path }) => path))
    expect(state.written).toEqual([])
  })

  test('of more is uploaded, and named by a manifest', async () => {
    const state = unitOf(context, [8 * MIB + 1])
    await published(state)
    const { intent: found, dataFiles } = await folded()
    expect(found.kind).toBe('manifest')
    expect(puts()).toEqual([state.unit.appended[0]!.key, found.key])
    expect(dataFiles.map(({ path }) => path)).toEqual([state.unit.appended[0]!.dataFile.path])
  })

  test('does not say its texts in its name, which is logged, unless the table wants it', async () => {
    await published(unitOf(context, [1_000], NAMES))
    expect((await folded()).dataFiles[0]).toMatchObject({ lowerBounds: new Map(), valueCounts: COUNTS.valueCounts })
    await begin({ 'datashard.key-bounds': 'all' })
    await published(unitOf(context, [1_000], NAMES))
    expect((await folded()).dataFiles[0]!.lowerBounds).toEqual(NAMES.lowerBounds)
  })

  test('whose name would be too long is named by a manifest', async () => {
    await begin({ 'datashard.key-bounds': 'all' })
    const bounds = new Map([[2, text('x'.repeat(600))]])
    await published(unitOf(context, [1_000], { ...COUNTS, lowerBounds: bounds, upperBounds: bounds }))
    expect((await folded()).intent.kind).toBe('manifest')
  })

  test('that a name cannot describe is named by a manifest', async () => {
    await published(unitOf(context, [1_000], { valueCounts: new Map([[1, 10n]]) }))
    const { intent: found, dataFiles } = await folded()
    expect(found.kind).toBe('manifest')
    expect(dataFiles[0]!.valueCounts).toEqual(new Map([[1, 10n]]))
  })
})

test('several files are uploaded, and named by one manifest', async () => {
  const state = unitOf(context, [100, 200, 300])
  await published(state)
  const { intent: found, dataFiles } = await folded()
  expect(found.kind).toBe('manifest')
  expect(dataFiles.map(({ path }) => path)).toEqual(state.unit.appended.map(({ dataFile }) => dataFile.path))
  const keys = state.unit.appended.map(({ key }) => key)
  expect(puts()).toEqual([...keys, found.key])
  // To be deleted if it comes to nothing.
  expect(state.written).toEqual(keys)
})

describe('after a commit alone that was lost', () => {
  /** It has put the file into the table's data. */
  async function uploaded(size: number) {
    const state = unitOf(context, [size])
    const { key, bytes } = state.unit.appended[0]!
    await chain.store.put(key, bytes!)
    state.uploaded = true
    state.written.push(key)
    chain.store.calls.length = 0
    return { state, key }
  }

  test.each([1, 256 * 1024])('a file of %i bytes is sent once more under a name that describes it', async (size) => {
    const { state, key } = await uploaded(size)
    await published(state)
    const { intent: found } = await folded()
    expect(found.kind).toBe('file')
    expect(puts()).toEqual([found.key])
    expect(await chain.store.head(key)).toBeUndefined()
    expect(state).toMatchObject({ written: [], uploaded: false })
  })

  test('a larger one stays where it is', async () => {
    const { state, key } = await uploaded(256 * 1024 + 1)
    await published(state)
    const { intent: found, dataFiles } = await folded()
    expect(found.kind).toBe('manifest')
    expect(puts()).toEqual([found.key])
    expect(dataFiles[0]!.path).toBe(context.files.pathOf(key))
    expect(await chain.store.head(key)).toBeDefined()
    expect(state.written).toEqual([key])
  })
})

test('what need not be uploaded before a base is chosen: one file of up to 8 MiB that is in memory only', () => {
  expect(isDescribable(unitOf(context, [8 * MIB]))).toBe(true)
  expect(isDescribable(unitOf(context, [8 * MIB + 1]))).toBe(false)
  expect(isDescribable(unitOf(context, [1, 1]))).toBe(false)
  expect(isDescribable({ ...unitOf(context, [1]), uploaded: true })).toBe(false)
  const { unit, ...state } = unitOf(context, [1])
  const appended = unit.appended.map((file) => ({ ...file, bytes: undefined }))
  expect(isDescribable({ ...state, unit: { ...unit, appended } })).toBe(false)
})

/** The hint is a lower bound by which versions are deleted: it only ever goes up, whatever happens around it. */
import { beforeEach, describe, expect, test } from 'vitest'
import { HintWriter } from '../../src/commit/hint.ts'
import type { Place } from '../../src/commit/place.ts'
import { DataShardError } from '../../src/errors.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../support/faulty-store.ts'
import type { VirtualRuntime } from '../support/virtual-runtime.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const HINT = 't/metadata/version-hint.text'
const text = (value: string) => new TextEncoder().encode(value)

let runtime: VirtualRuntime
let store: ReturnType<typeof faultyStore>
let place: Place

beforeEach(async () => {
  runtime = virtualRuntime()
  store = faultyStore(memoryStore({ now: runtime.now }), () => undefined)
  place = { store, prefix: 't', location: 'memory://test/t', runtime }
  for (let version = 1; version <= 40; version++) await store.put(`t/metadata/v${version}.metadata.json`, text('{}'))
  store.calls.length = 0
})

const hint = async () => Number(new TextDecoder().decode(await store.get(HINT)))
const puts = () => store.calls.filter(({ verb, key }) => verb === 'put' && key === HINT)

async function raise(writer: HintWriter, version: number): Promise<void> {
  writer.raise(version)
  await writer.flush()
}

describe('the hint', () => {
  test('the first write looks, later ones are one request each, and none is unconditional', async () => {
    const writer = new HintWriter(place)
    await raise(writer, 1)
    expect(store.calls.map(({ verb }) => verb)).toEqual(['head', 'get', 'put'])
    store.calls.length = 0
    for (const version of [2, 3, 4]) await raise(writer, version)
    expect(store.calls.map(({ verb, mode }) => [verb, typeof mode])).toEqual([2, 3, 4].map(() => ['put', 'object']))
    expect(await hint()).toBe(4)
  })

  test('one that was found ahead is not moved back by a later, older version', async () => {
    await store.put(HINT, text('30'))
    store.calls.length = 0
    const writer = new HintWriter(place)
    for (const version of [5, 6, 29, 30]) await raise(writer, version)
    expect(puts()).toEqual([])
    await raise(writer, 31)
    expect(await hint()).toBe(31)
  })

  test('where none is, two first writers: the higher number stays', async () => {
    const [slow, fast] = [new HintWriter(place), new HintWriter(place)]
    store.rule = ({ verb, key, before }) =>
      verb === 'put' && key === HINT && before === 0 ? () => raise(fast, 9) : undefined
    await raise(slow, 3)
    expect(await hint()).toBe(9)
    expect(puts().every(({ mode }) => mode !== 'overwrite')).toBe(true)
  })

  test('no answer: it looks again, and does not write over what came meanwhile', async () => {
    const [slow, fast] = [new HintWriter(place), new HintWriter(place)]
    await raise(slow, 1)
    store.calls.length = 0
    store.rule = ({ verb, key, before }) => {
      if (verb === 'put' && key === HINT && before === 0) return 'lost-before'
      // Between the lost put and the look after it.
      return verb === 'head' && key === HINT && before === 0 ? () => raise(fast, 20) : undefined
    }
    await raise(slow, 2)
    expect(await hint()).toBe(20)
    expect(puts().every(({ mode }) => mode !== 'overwrite')).toBe(true)
  })

  test('an answer that was lost after the effect: nothing is written twice', async () => {
    const writer = new HintWriter(place)
    store.rule = ({ verb, before }) => (verb === 'put' && before === 0 ? 'lost-after' : undefined)
    await raise(writer, 7)
    expect(await hint()).toBe(7)
    expect(puts().length).toBe(1)
    await raise(writer, 8)
    expect(await hint()).toBe(8)
  })

  test('one that names no version is repaired, but only that one', async () => {
    await store.put(HINT, text('99'))
    const writer = new HintWriter(place)
    await raise(writer, 12)
    expect(await hint()).toBe(12)

    // Found damaged, then repaired and raised by another before the write.
    await store.put(HINT, text('99'))
    const [slow, fast] = [new HintWriter(place), new HintWriter(place)]
    store.calls.length = 0
    store.rule = ({ verb, key, before }) =>
      verb === 'put' && key === HINT && before === 0 ? () => raise(fast, 33) : undefined
    await raise(slow, 13)
    expect(await hint()).toBe(33)
  })

  test('what says nothing is replaced', async () => {
    await store.put(HINT, text('garbage'))
    await raise(new HintWriter(place), 3)
    expect(await hint()).toBe(3)
  })

  test('a store that cannot be written to fails nobody, and the next write goes on', async () => {
    const writer = new HintWriter(place)
    store.rule = ({ verb }) => (verb === 'put' ? new DataShardError('denied', 'no right') : undefined)
    await raise(writer, 3)
    store.rule = () => undefined
    await raise(writer, 4)
    expect(await hint()).toBe(4)
  })

  describe('at a store without If-Match', () => {
    const refusing = ({ verb, mode }: { verb: string; mode: unknown }) =>
      verb === 'put' && typeof mode === 'object' ? new DataShardError('unsupported', 'not implemented') : undefined

    test('each write looks first, and a higher number stays', async () => {
      store.rule = refusing
      const writer = new HintWriter(place)
      for (const version of [1, 2, 3]) await raise(writer, version)
      expect(await hint()).toBe(3)
      await store.put(HINT, text('30'))
      await raise(writer, 4)
      expect(await hint()).toBe(30)
    })

    test('a process that slept between its look and its write does not write', async () => {
      const writer = new HintWriter(place)
      store.rule = refusing
      for (const version of [1, 2]) await raise(writer, version)
      store.calls.length = 0
      store.rule = (call) =>
        call.verb === 'get' && call.before === 0
          ? async () => {
              runtime.advance({ wallMs: 3_600_000 })
            }
          : refusing(call)
      await raise(writer, 3)
      expect(puts()).toEqual([])
    })
  })
})

/** Every row of the outcome table of the create, each by an injected fault (commit-protocol, "Outcomes of the create"). */
import { beforeEach, describe, expect, test } from 'vitest'
import { createVersion, type VersionCreate } from '../../src/commit/create-version.ts'
import { sighting } from '../../src/commit/custody.ts'
import { encodeTable } from '../../src/commit/document.ts'
import { findHead, type TableHead } from '../../src/commit/head.ts'
import type { Place } from '../../src/commit/place.ts'
import { DataShardError } from '../../src/errors.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type FaultRule, faultyStore } from '../support/faulty-store.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const V2 = 't/metadata/v2.metadata.json'
const runtime = virtualRuntime()
const inner = () => memoryStore({ now: runtime.now })

let store: ReturnType<typeof faultyStore>
let place: Place
let base: TableHead

beforeEach(async () => {
  store = faultyStore(inner(), () => undefined)
  place = { store, prefix: 't', location: 'memory://test/t', runtime }
  await store.put('t/metadata/v1.metadata.json', encodeTable(sampleMetadata(), 'nonce-1'))
  base = (await findHead(place)) as TableHead
  store.calls.length = 0
})

const bytesOf = (nonce: string) => encodeTable(sampleMetadata(), nonce)

const create = (options: Partial<VersionCreate> = {}): VersionCreate => ({
  base,
  version: 2,
  bytes: bytesOf('mine'),
  nonce: 'mine',
  deadlineMs: runtime.monotonic() + 30_000,
  ...options,
})

const onPut = (fault: (before: number) => ReturnType<FaultRule>): FaultRule => {
  return ({ verb, key, before }) => (verb === 'put' && key === V2 ? fault(before) : undefined)
}

const putsOfV2 = () => store.calls.filter((call) => call.verb === 'put' && call.key === V2).length

describe('the create of a version', () => {
  test('written: won, in one request', async () => {
    expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
    expect(store.calls.map(({ verb, mode }) => [verb, mode])).toEqual([['put', 'create']])
  })

  test('it exists with another nonce: lost, and the winner is told', async () => {
    await store.put(V2, bytesOf('theirs'))
    const outcome = await createVersion(place, create())
    expect(outcome).toMatchObject({ outcome: 'lost', next: { version: 2, nonce: 'theirs' } })
    expect(outcome).toHaveProperty('peeked.nonce', 'theirs')
    // The test's own put, ours, and one look at the winner.
    expect(store.calls.map(({ verb }) => verb)).toEqual(['put', 'put', 'get'])
  })

  test('the nonce stands in the object’s own metadata too, where a listing of a bucket can be searched for it', async () => {
    await createVersion(place, create())
    expect(await store.head(V2)).toMatchObject({ metadata: { 'datashard-nonce': 'mine' } })
  })

  test('the request was repeated on its way and met its own object: won, not lost', async () => {
    store.rule = onPut(() => 'twice')
    expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
  })

  test('the answer was lost after the effect: read, own nonce, won without a second create', async () => {
    store.rule = onPut(() => 'lost-after')
    expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
    expect(putsOfV2()).toBe(1)
  })

  test('the answer was lost before the effect: read, nothing there, the same bytes are sent again', async () => {
    store.rule = onPut((before) => (before === 0 ? 'lost-before' : undefined))
    expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
    expect(putsOfV2()).toBe(2)
    expect(await store.get(V2)).toEqual(bytesOf('mine'))
  })

  test('the answer was lost and another writer won meanwhile: lost', async () => {
    store.rule = onPut((before) => (before === 0 ? 'lost-before' : undefined))
    const sleep = place.runtime.sleep
    const racing: Place = {
      ...place,
      runtime: {
        ...runtime,
        sleep: async (ms) => (await store.put(V2, bytesOf('theirs'), { mode: 'create' }), sleep(ms)),
      },
    }
    expect(await createVersion(racing, create())).toMatchObject({ outcome: 'lost', next: { nonce: 'theirs' } })
  })

  test('no answer and no look for longer than the deadline: commit-unknown, and it says so', async () => {
    store.rule = ({ verb }) => (verb === 'put' || verb === 'get' ? 'lost-before' : undefined)
    await expect(createVersion(place, create())).rejects.toMatchObject({
      code: 'commit-unknown',
      committed: 'unknown',
      details: { version: 2 },
    })
    expect(putsOfV2()).toBeGreaterThan(1)
  })

  test('reported to exist but not to be read: unknown, never taken for lost', async () => {
    await store.put(V2, bytesOf('theirs'))
    store.rule = ({ verb, key }) => (verb === 'get' && key === V2 ? 'lost-before' : undefined)
    await expect(createVersion(place, create())).rejects.toMatchObject({ code: 'commit-unknown' })
  })

  test('a refusal of the first try is certain and passes through', async () => {
    store.rule = onPut(() => new DataShardError('denied', 'no s3:PutObject'))
    await expect(createVersion(place, create())).rejects.toMatchObject({ code: 'denied', committed: 'no' })
    expect(store.calls.map(({ verb }) => verb)).toEqual(['put'])
  })

  test('no answer, then a refusal, and nothing to be seen: unknown, because the first one may still arrive', async () => {
    store.rule = onPut((before) => (before === 0 ? 'lost-before' : new DataShardError('denied', 'token expired')))
    const error = await createVersion(place, create()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    // Why it went on for so long is not hidden.
    expect(error).toMatchObject({ cause: { code: 'denied' } })
    expect(putsOfV2()).toBeGreaterThan(2)
  })

  test('a refusal after a try without an answer says nothing about that try: it is read', async () => {
    store.rule = onPut((before) => (before === 0 ? 'lost-after' : new DataShardError('denied', 'token expired')))
    expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
  })

  describe('refused for a full disk', () => {
    const full = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
    const lost = new DataShardError('unavailable', 'the answer was lost')

    /** What each try is answered, the last of them for ever, and whether it has its effect. */
    function answered(causes: readonly DataShardError[], hasEffect: boolean): void {
      const { put } = store
      let tries = 0
      store.put = async (key, body, options) => {
        if (hasEffect) await put(key, body, options)
        return { outcome: 'unknown', cause: causes[Math.min(tries++, causes.length - 1)] }
      }
    }

    test.each([
      ['at once', [full]],
      ['at the second try, the first of which had no answer', [lost, full]],
    ])('%s, and nothing is to be seen: said so without waiting, and left open', async (_when, causes) => {
      const startMs = runtime.monotonic()
      answered(causes, false)
      await expect(createVersion(place, create())).rejects.toMatchObject({
        code: 'unavailable',
        message: full.message,
        committed: 'unknown',
        retryable: false,
      })
      expect(runtime.monotonic() - startMs).toBeLessThan(1_000)
    })

    test('but it is there, as the first of a repeated request: won', async () => {
      answered([full], true)
      expect(await createVersion(place, create())).toEqual({ outcome: 'won' })
    })

    test('but it cannot be looked for: tried on until the time is over', async () => {
      store.rule = ({ verb }) => (verb === 'get' ? 'lost-before' : undefined)
      answered([full], false)
      await expect(createVersion(place, create())).rejects.toMatchObject({ code: 'commit-unknown' })
    })
  })

  test('a store that ignores conditions is refused, before anything is lost', async () => {
    store.rule = onPut(() => new DataShardError('unsupported', '501 Not Implemented'))
    await expect(createVersion(place, create())).rejects.toMatchObject({ code: 'unsupported' })
    expect(await store.get(V2)).toBeUndefined()
  })

  test('a base that was not seen alive for a minute is not built upon: nothing is sent', async () => {
    const old = { ...base, seen: sighting(runtime) }
    runtime.advance({ wallMs: 61_000 })
    expect(await createVersion(place, create({ base: old }))).toEqual({ outcome: 'stale' })
    expect(putsOfV2()).toBe(0)
  })

  test('a machine that was suspended is noticed by the wall clock, one whose clock was set back by the other', async () => {
    const old = { ...base, seen: sighting(runtime) }
    runtime.advance({ wallMs: -3_600_000, monotonicMs: 61_000 })
    expect(await createVersion(place, create({ base: old }))).toEqual({ outcome: 'stale' })
  })

  test('an answer that comes too late is checked against the chain: an island is not taken for a commit', async () => {
    const old = { ...base, seen: sighting(runtime) }
    // Meanwhile the table went on to v4, and v2 was deleted as superseded: the create succeeds, far below the head.
    await store.put('t/metadata/v4.metadata.json', bytesOf('theirs'))
    await store.put('t/metadata/version-hint.text', new TextEncoder().encode('4'))
    store.rule = onPut(() => () => runtime.advance({ wallMs: 3_600_000, monotonicMs: 3_600_000 }))
    await expect(createVersion(place, create({ base: old, isIn: () => false }))).rejects.toMatchObject({
      code: 'commit-unknown',
    })
  })

  test('an answer that comes too late but from the head itself is a commit', async () => {
    const old = { ...base, seen: sighting(runtime) }
    store.rule = onPut(() => () => runtime.advance({ wallMs: 3_600_000, monotonicMs: 3_600_000 }))
    expect(await createVersion(place, create({ base: old }))).toEqual({ outcome: 'won' })
  })

  describe('an answer that comes too late', () => {
    const lateBase = () => ({ ...base, seen: sighting(runtime) })
    const sleepForAnHour = () => runtime.advance({ wallMs: 3_600_000, monotonicMs: 3_600_000 })
    const put = (version: number, nonce: string) => store.put(`t/metadata/v${version}.metadata.json`, bytesOf(nonce))

    test('is a commit if a later head holds what it brought', async () => {
      const old = lateBase()
      store.rule = onPut(() => sleepForAnHour)
      await put(3, 'theirs')
      await store.put('t/metadata/version-hint.text', new TextEncoder().encode('3'))
      expect(await createVersion(place, create({ base: old, isIn: () => true }))).toEqual({ outcome: 'won' })
    })

    test('is unknown if the head is a later one, and nothing tells what is in it', async () => {
      const old = lateBase()
      store.rule = onPut(() => sleepForAnHour)
      await put(3, 'theirs')
      await expect(createVersion(place, create({ base: old }))).rejects.toMatchObject({ code: 'commit-unknown' })
    })

    test('is lost if the number turns out to be another’s: the head is told', async () => {
      const old = lateBase()
      // Neither the first create nor the look after it has an answer; the next create finds the base too old.
      store.rule = ({ key, before }) => (key === V2 && before === 0 ? 'lost-before' : undefined)
      const sleep = async () => {
        await put(2, 'theirs')
        await put(3, 'later')
        sleepForAnHour()
      }
      const slow: Place = { ...place, runtime: { ...runtime, sleep } }
      const outcome = await createVersion(slow, create({ base: old, isIn: () => false, deadlineMs: Infinity }))
      expect(outcome).toMatchObject({ outcome: 'lost', next: { version: 3, nonce: 'later' } })
    })

    test('and is our own when it is read: the chain decides, not the nonce', async () => {
      const old = lateBase()
      // The answer was lost, and before the version could be read the table went on far above it.
      store.rule = onPut(() => 'lost-after')
      const slow: Place = {
        ...place,
        runtime: {
          ...runtime,
          sleep: async () => {
            await put(9, 'theirs')
            await store.put('t/metadata/version-hint.text', new TextEncoder().encode('9'))
            sleepForAnHour()
          },
        },
      }
      const island = createVersion(slow, create({ base: old, isIn: () => false }))
      await expect(island).rejects.toMatchObject({ code: 'commit-unknown' })
    })
  })

  test('cancelled before it is sent: aborted, nothing written', async () => {
    const signal = AbortSignal.abort()
    await expect(createVersion(place, create({ signal }))).rejects.toMatchObject({ code: 'aborted' })
    expect(store.calls).toEqual([])
  })

  test('the answer was lost when the time was already up: it is looked at once before it is called unknown', async () => {
    store.rule = ({ verb, before }) => (verb === 'put' && before === 0 ? 'lost-after' : undefined)
    const late = { ...create(), deadlineMs: place.runtime.monotonic() - 1 }
    expect(await createVersion(place, late)).toEqual({ outcome: 'won' })
  })
})

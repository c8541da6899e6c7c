/** Conformance: what becomes of one object, and of many writers to one. */
import type { Subject } from './conformance-assert.ts'
import {
  expect,
  expectBytes,
  expectRefusal,
  joined,
  keysOf,
  LARGE_BYTES,
  largeBody,
  lastBytes,
  text,
} from './conformance-assert.ts'
import type { ByteRange, ObjectStore, PutBody, PutResult } from './store.ts'

const RACERS = 16
const RACES = 5
/** Streams take part in fewer, because each is 21 MiB. */
const STREAM_RACERS = 3
/** Of a create whose outcome is unknown. */
const MAX_TRIES = 5
/** Turns of the event loop, long before which a cancelled call has ended. */
const MAX_TURNS = 100_000

export const OBJECT_CASES: readonly (readonly [name: string, run: (subject: Subject) => Promise<void>])[] = [
  ['what was put is got, byte by byte', putAndGet],
  ['what was put is a copy of the store: later changes of the array do no harm', noSharing],
  ['a missing object is undefined, for get and head', missingObjects],
  ['an empty object is an object', emptyObject],
  ['an overwrite replaces content and etag', overwrite],
  ['user metadata comes back with head as it was, or not at all', metadata],
  ['a create of a key that exists is refused and changes nothing', createTwice],
  ['a create after a delete succeeds', createAfterDelete],
  ['of many creates of one key at once exactly one wins', createRace],
  ['a put with an etag replaces that version only', ifMatch],
  ['ranges: from, to, suffix, beyond the end, none at all', ranges],
  ['a large stream arrives whole', largeStream],
  ['a large stream obeys the same condition', largeStreamCreate],
  ['of large streams to one key at once exactly one wins', largeStreamRace],
  ['a stream of no or small chunks is one object', smallStreams],
  ['a stream that fails leaves no object and throws its own error', failingStream],
  ['a put that is cancelled while its stream waits ends and leaves no object', cancelledStream],
]

async function putAndGet({ store, at }: Subject): Promise<void> {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  const result = await store.put(at('a/b'), bytes)
  expect(result.outcome === 'written' && result.etag !== '', 'a put to be written with an etag', result)
  expectBytes(await store.get(at('a/b')), bytes)
  const head = await store.head(at('a/b'))
  expect(head?.size === 256 && head.lastModifiedMs >= 0, 'head to know 256 bytes', head)
  expect(head.key === at('a/b'), `the key ${at('a/b')}`, head.key)
  expect(result.etag === head.etag, `the etag ${result.etag}`, head.etag)
}

async function noSharing({ store, at }: Subject): Promise<void> {
  const bytes = text('before')
  await store.put(at('k'), bytes)
  bytes.fill(0)
  const got = await store.get(at('k'))
  expectBytes(got, text('before'))
  got?.fill(0)
  expectBytes(await store.get(at('k')), text('before'))
}

async function missingObjects({ store, at }: Subject): Promise<void> {
  const found = [await store.get(at('none')), await store.head(at('none')), await store.get(at('no/such/path'))]
  expect(
    found.every((one) => one === undefined),
    'undefined for all',
    found,
  )
}

async function emptyObject({ store, at }: Subject): Promise<void> {
  await store.put(at('empty'), new Uint8Array())
  expectBytes(await store.get(at('empty')), new Uint8Array())
  expectBytes(await store.get(at('empty'), { range: { suffix: 10 } }), new Uint8Array())
  expectBytes(await store.get(at('empty'), { range: { start: 0, end: 10 } }), new Uint8Array())
  expect((await store.head(at('empty')))?.size === 0, 'a size of 0', await store.head(at('empty')))
}

async function overwrite({ store, at }: Subject): Promise<void> {
  const one = await store.put(at('k'), text('one'))
  const two = await store.put(at('k'), text('longer two'))
  expectBytes(await store.get(at('k')), text('longer two'))
  const etags = [one, two].map((result) => result.outcome === 'written' && result.etag)
  expect(etags[0] !== etags[1], 'two etags', etags)
}

async function metadata({ store, at }: Subject): Promise<void> {
  const given = { 'datashard-nonce': 'a b=c', other: '1' }
  await store.put(at('k'), text('x'), { metadata: given, contentType: 'text/plain', mode: 'create' })
  const found = (await store.head(at('k')))?.metadata ?? {}
  const same = Object.keys(found).length === 0 || (found['datashard-nonce'] === 'a b=c' && found['other'] === '1')
  expect(same, JSON.stringify(given), found)
}

async function createTwice({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('k'), text('first'), { mode: 'create' })
  const second = await store.put(at('k'), text('second'), { mode: 'create' })
  expect(first.outcome === 'written', 'the first to be written', first)
  expect(second.outcome === 'precondition-failed', 'the second to be refused', second)
  expectBytes(await store.get(at('k')), text('first'))
}

async function createAfterDelete({ store, at }: Subject): Promise<void> {
  await store.put(at('k'), text('first'), { mode: 'create' })
  await store.delete([at('k')])
  expect((await store.get(at('k'))) === undefined, 'nothing after the delete', await store.get(at('k')))
  const again = await store.put(at('k'), text('again'), { mode: 'create' })
  expect(again.outcome === 'written', 'the second create to be written', again)
}

async function createRace({ store, at }: Subject): Promise<void> {
  for (let race = 0; race < RACES; race++) {
    const bodies = Array.from({ length: RACERS }, (_, i) => text(`racer ${i}`))
    const results = await Promise.all(bodies.map((body) => createUntilTold(store, at(`race ${race}`), () => body)))
    expectBytes(await store.get(at(`race ${race}`)), bodies[onlyWinner(results)]!)
  }
}

/** A store may answer who loses a race by "conflict, try again", which is unknown to a caller; in the end it must tell. */
async function createUntilTold(store: ObjectStore, key: string, body: () => PutBody): Promise<PutResult> {
  let result = await store.put(key, body(), { mode: 'create' })
  for (let tries = 1; result.outcome === 'unknown' && tries < MAX_TRIES; tries++) {
    result = await store.put(key, body(), { mode: 'create' })
  }
  return result
}

function onlyWinner(results: readonly PutResult[]): number {
  const winners = results.flatMap((result, i) => (result.outcome === 'written' ? [i] : []))
  const outcomes = results.map((result) => result.outcome)
  expect(winners.length === 1, 'exactly one winner', outcomes)
  const lost = outcomes.filter((outcome) => outcome === 'precondition-failed').length
  expect(lost === results.length - 1, 'a clear answer to everybody else', outcomes)
  return winners[0]!
}

async function ifMatch({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('k'), text('first'))
  const etag = first.outcome === 'written' ? first.etag : ''
  const second = await store.put(at('k'), text('the second'), { mode: { ifMatch: etag } })
  expect(second.outcome === 'written', 'the put with the right etag to be written', second)
  const third = await store.put(at('k'), text('third'), { mode: { ifMatch: etag } })
  expect(third.outcome === 'precondition-failed', 'the put with an old etag to be refused', third)
  expectBytes(await store.get(at('k')), text('the second'))
  const head = await store.head(at('k'))
  const fourth = await store.put(at('k'), text('fourth'), { mode: { ifMatch: head?.etag ?? '' } })
  expect(fourth.outcome === 'written', 'the put with the etag of head to be written', fourth)
}

async function ranges({ store, at }: Subject): Promise<void> {
  await store.put(at('k'), text('0123456789'))
  const get = (range: ByteRange) => store.get(at('k'), { range })
  expectBytes(await get({ start: 0, end: 1 }), text('0'))
  expectBytes(await get({ start: 2, end: 5 }), text('234'))
  expectBytes(await get({ start: 7 }), text('789'))
  expectBytes(await get({ start: 0 }), text('0123456789'))
  expectBytes(await get({ start: 8, end: 99 }), text('89'))
  expectBytes(await get({ suffix: 3 }), text('789'))
  expectBytes(await get({ suffix: 99 }), text('0123456789'))
  expectBytes(await get({ suffix: 0 }), text(''))
  expectBytes(await get({ start: 10 }), text(''))
  expectBytes(await get({ start: 99, end: 100 }), text(''))
  expectBytes(await get({ start: 4, end: 4 }), text(''))
  for (const range of [{ start: 0, end: 5 }, { suffix: 5 }, { start: 3, end: 3 }]) {
    const none = await store.get(at('none'), { range })
    expect(none === undefined, 'any range of a missing object to be undefined', none)
  }
  for (const range of [{ start: -1 }, { start: 0.5 }, { suffix: -1 }, { start: 0, end: Number.NaN }]) {
    await expectRefusal('invalid-argument', () => get(range), `the range ${JSON.stringify(range)}`)
  }
}

async function largeStream({ store, at }: Subject): Promise<void> {
  const result = await store.put(at('large'), largeBody())
  expect(result.outcome === 'written', 'the stream to be written', result)
  const head = await store.head(at('large'))
  expect(head?.size === LARGE_BYTES, `${LARGE_BYTES} bytes`, head)
  const whole = await joined(largeBody())
  expectBytes(await store.get(at('large')), whole)
  expectBytes(await store.get(at('large'), { range: { start: LARGE_BYTES - 4 } }), lastBytes())
  const again = await store.put(at('large'), whole)
  expect(again.outcome === 'written', 'large bytes to be written', again)
  expectBytes(await store.get(at('large'), { range: { suffix: 4 } }), lastBytes())
}

async function largeStreamCreate({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('large'), largeBody(1), { mode: 'create' })
  expect(first.outcome === 'written', 'the first to be written', first)
  const second = await store.put(at('large'), largeBody(2), { mode: 'create' })
  expect(second.outcome === 'precondition-failed', 'the second to be refused', second)
  expectBytes(await store.get(at('large'), { range: { start: 0, end: 1 } }), Uint8Array.of(1))
}

async function largeStreamRace({ store, at }: Subject): Promise<void> {
  const racers = Array.from({ length: STREAM_RACERS }, (_, i) => i)
  const results = await Promise.all(racers.map((i) => createUntilTold(store, at('large'), () => largeBody(i))))
  const winner = onlyWinner(results)
  expectBytes(await store.get(at('large'), { range: { start: 0, end: 1 } }), Uint8Array.of(winner))
}

async function smallStreams({ store, at }: Subject): Promise<void> {
  for (const parts of [[], [''], ['a'], ['a', '', 'bc']]) {
    const result = await store.put(at(`s${parts.length}`), chunksOf(parts))
    expect(result.outcome === 'written', 'the stream to be written', result)
    expectBytes(await store.get(at(`s${parts.length}`)), text(parts.join('')))
  }
}

async function* chunksOf(parts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const part of parts) yield text(part)
}

async function failingStream({ store, at }: Subject): Promise<void> {
  for (const [name, before] of [
    ['early', 1],
    ['late', 12 * 1024 * 1024],
  ] as const) {
    const error = await store.put(at(name), brokenBody(before), { mode: 'create' }).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    expect(error instanceof RangeError, 'the error of the source itself', error)
  }
  const found = await keysOf(store, at(''))
  expect(found.length === 0, 'no object', found)
}

async function* brokenBody(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  yield new Uint8Array(bytes)
  throw new RangeError('the source broke')
}

async function cancelledStream({ store, at }: Subject): Promise<void> {
  const controller = new AbortController()
  const endless = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        setImmediate(() => controller.abort())
        return new Promise<IteratorResult<Uint8Array>>(() => {})
      },
    }),
  }
  const put = store.put(at('k'), endless, { mode: 'create', signal: controller.signal })
  await expectRefusal('aborted', () => Promise.race([put, manyTurns()]), 'a put whose stream waits')
  expect((await store.head(at('k'))) === undefined, 'no object', 'one')
}

/** A test that fails says more than one that hangs. */
async function manyTurns(): Promise<string> {
  for (let turns = 0; turns < MAX_TURNS; turns++) await new Promise((resolve) => setImmediate(resolve))
  return 'it waits on'
}

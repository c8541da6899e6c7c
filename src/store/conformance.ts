/**
 * What every store must do, as cases that any test runner can run: put your own store through them.
 *
 * ```ts
 * import { storeConformance } from 'datashard/store'
 * ```
 */
import { DataShardError } from '../errors.ts'
import type { ObjectInfo, ObjectStore } from './store.ts'

/** A store to be put through the suite. Everything is written under `prefix`, which must be empty. */
export interface ConformanceTarget {
  readonly store: ObjectStore
  readonly prefix: string
}

export interface ConformanceCase {
  /** The behaviour that it checks. */
  readonly name: string
  /** Rejects, saying what was expected and what was found. */
  run(target: ConformanceTarget): Promise<void>
}

const RACERS = 16
const RACES = 5
const MANY_KEYS = 1_050
const LARGE_BYTES = 21 * 1024 * 1024

const ODD_NAMES = [
  'blank in it',
  'hash#mark',
  'question?mark',
  'per%20cent',
  'plus+sign',
  'equals=and&amper',
  'quote\'and"double',
  'ünïcödé-\u{1f600}',
  '漢字',
  '(brackets)[square]{curly}',
  'semi;colon,comma:colon',
  'UPPER.lower',
  '~tilde!bang*star',
]

/** The cases, each with a part of the prefix for itself. */
export function storeConformance(): readonly ConformanceCase[] {
  return CASES.map(([name, run], index) => ({
    name,
    run: ({ store, prefix }) => run({ store, at: (key) => `${prefix}/${index}/${key}` }),
  }))
}

interface Subject {
  readonly store: ObjectStore
  readonly at: (key: string) => string
}

const CASES: readonly (readonly [name: string, run: (subject: Subject) => Promise<void>])[] = [
  ['what was put is got, byte by byte', putAndGet],
  ['a missing object is undefined, for get and head', missingObjects],
  ['an empty object is an object', emptyObject],
  ['an overwrite replaces content and etag', overwrite],
  ['a create of a key that exists is refused and changes nothing', createTwice],
  ['of many creates of one key at once exactly one wins', createRace],
  ['a put with an etag replaces that version only', ifMatch],
  ['ranges: from, to, suffix, beyond the end', ranges],
  ['a put is in the next listing, a delete is not', listAfterWrites],
  ['listings go over pages, in the order of UTF-8 bytes', manyKeys],
  ['startAfter and limit', startAfterAndLimit],
  ['a prefix may end within a name', prefixWithinName],
  ['keys with odd characters are kept as they are', oddKeys],
  ['a key of 1,000 bytes works, one of 1,100 is refused before anything is sent', keyLimits],
  ['deleting many keys, missing ones among them', deleteMany],
  ['a large stream arrives whole', largeStream],
  ['a large stream obeys the same condition', largeStreamCreate],
  ['a stream that fails leaves no object', failingStream],
  ['a call that was cancelled before it began does nothing', cancelledBefore],
  ['a listing that is cancelled stops', cancelledListing],
  ['every request is observed', observed],
  ['keys, URLs and back', urls],
]

async function putAndGet({ store, at }: Subject): Promise<void> {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  const result = await store.put(at('a/b'), bytes)
  expect(result.outcome === 'written' && result.etag !== '', 'a put to be written with an etag', result)
  expectBytes(await store.get(at('a/b')), bytes)
  const head = await store.head(at('a/b'))
  expect(head?.size === 256 && head.lastModifiedMs >= 0, 'head to know 256 bytes', head)
}

async function missingObjects({ store, at }: Subject): Promise<void> {
  const [got, head] = [await store.get(at('none')), await store.head(at('none'))]
  expect(got === undefined && head === undefined, 'undefined for both', [got, head])
}

async function emptyObject({ store, at }: Subject): Promise<void> {
  await store.put(at('empty'), new Uint8Array())
  expectBytes(await store.get(at('empty')), new Uint8Array())
  expectBytes(await store.get(at('empty'), { range: { suffix: 10 } }), new Uint8Array())
  expect((await store.head(at('empty')))?.size === 0, 'a size of 0', await store.head(at('empty')))
}

async function overwrite({ store, at }: Subject): Promise<void> {
  const one = await store.put(at('k'), text('one'))
  const two = await store.put(at('k'), text('longer two'))
  expectBytes(await store.get(at('k')), text('longer two'))
  const etags = [one, two].map((result) => result.outcome === 'written' && result.etag)
  expect(etags[0] !== etags[1], 'two etags', etags)
}

async function createTwice({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('k'), text('first'), { mode: 'create' })
  const second = await store.put(at('k'), text('second'), { mode: 'create' })
  expect(first.outcome === 'written' && second.outcome === 'precondition-failed', 'one written, one refused', [
    first,
    second,
  ])
  expectBytes(await store.get(at('k')), text('first'))
}

async function createRace({ store, at }: Subject): Promise<void> {
  for (let race = 0; race < RACES; race++) {
    const bodies = Array.from({ length: RACERS }, (_, i) => text(`racer ${i}`))
    const results = await Promise.all(bodies.map((body) => store.put(at(`race ${race}`), body, { mode: 'create' })))
    const winners = results.flatMap((result, i) => (result.outcome === 'written' ? [i] : []))
    expect(
      winners.length === 1,
      'exactly one winner',
      results.map((result) => result.outcome),
    )
    expectBytes(await store.get(at(`race ${race}`)), bodies[winners[0]!]!)
  }
}

async function ifMatch({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('k'), text('first'))
  const etag = first.outcome === 'written' ? first.etag : ''
  const second = await store.put(at('k'), text('the second'), { mode: { ifMatch: etag } })
  expect(second.outcome === 'written', 'the put with the right etag to be written', second)
  const third = await store.put(at('k'), text('third'), { mode: { ifMatch: etag } })
  expect(third.outcome === 'precondition-failed', 'the put with an old etag to be refused', third)
  expectBytes(await store.get(at('k')), text('the second'))
}

async function ranges({ store, at }: Subject): Promise<void> {
  await store.put(at('k'), text('0123456789'))
  const get = (range: { start: number; end?: number } | { suffix: number }) => store.get(at('k'), { range })
  expectBytes(await get({ start: 2, end: 5 }), text('234'))
  expectBytes(await get({ start: 7 }), text('789'))
  expectBytes(await get({ start: 8, end: 99 }), text('89'))
  expectBytes(await get({ suffix: 3 }), text('789'))
  expectBytes(await get({ suffix: 99 }), text('0123456789'))
  expectBytes(await get({ start: 99 }), text(''))
  expectBytes(await get({ start: 4, end: 4 }), text(''))
  const none = await store.get(at('none'), { range: { start: 0, end: 5 } })
  expect(none === undefined, 'a range of a missing object to be undefined', none)
}

async function listAfterWrites({ store, at }: Subject): Promise<void> {
  await store.put(at('l/a'), text('1'))
  expectKeys(await keysOf(store, at('l/')), [at('l/a')])
  await store.put(at('l/b/c'), text('22'))
  expectKeys(await keysOf(store, at('l/')), [at('l/a'), at('l/b/c')])
  await store.delete([at('l/a')])
  expectKeys(await keysOf(store, at('l/')), [at('l/b/c')])
  expectKeys(await keysOf(store, at('nothing here/')), [])
  const [info] = await collect(store, at('l/'))
  expect(info?.size === 2 && info.lastModifiedMs >= 0, 'size and time in the listing', info)
}

async function manyKeys({ store, at }: Subject): Promise<void> {
  const keys = Array.from({ length: MANY_KEYS }, (_, i) => at(`many/${i % 7}/${i}`))
  for (let from = 0; from < keys.length; from += 100) {
    await Promise.all(keys.slice(from, from + 100).map((key) => store.put(key, text(key))))
  }
  expectKeys(await keysOf(store, at('many/')), keys.toSorted(byBytes))
  await store.delete(keys)
  expectKeys(await keysOf(store, at('many/')), [])
}

async function startAfterAndLimit({ store, at }: Subject): Promise<void> {
  const keys = ['p/a', 'p/a.b', 'p/d/b', 'p/d-', 'p/d.c', 'p/b', 'p/\u{1f600}', 'p/\u{ff5e}'].map(at).toSorted(byBytes)
  for (const key of keys) await store.put(key, text('x'))
  expectKeys(await keysOf(store, at('p/')), keys)
  for (const [index, key] of keys.entries()) {
    expectKeys(await keysOf(store, at('p/'), { startAfter: key }), keys.slice(index + 1))
  }
  expectKeys(
    await keysOf(store, at('p/'), { startAfter: at('p/a-') }),
    keys.filter((key) => byBytes(key, at('p/a-')) > 0),
  )
  expectKeys(await keysOf(store, at('p/'), { limit: 2 }), keys.slice(0, 2))
  expectKeys(await keysOf(store, at('p/'), { startAfter: keys[0]!, limit: 1 }), keys.slice(1, 2))
}

async function prefixWithinName({ store, at }: Subject): Promise<void> {
  for (const key of ['ab/1', 'abc', 'abd/2', 'b']) await store.put(at(key), text('x'))
  expectKeys(await keysOf(store, at('ab')), [at('ab/1'), at('abc'), at('abd/2')])
  expectKeys(await keysOf(store, at('abd')), [at('abd/2')])
}

async function oddKeys({ store, at }: Subject): Promise<void> {
  const keys = ODD_NAMES.flatMap((name) => [at(`odd/${name}`), at(`odd/folder ${name}/x`)])
  for (const key of keys) {
    const result = await store.put(key, text(key), { mode: 'create' })
    expect(result.outcome === 'written', `'${key}' to be written`, result)
  }
  for (const key of keys) expectBytes(await store.get(key), text(key))
  expectKeys(await keysOf(store, at('odd/')), keys.toSorted(byBytes))
  await store.delete(keys)
  expectKeys(await keysOf(store, at('odd/')), [])
}

async function keyLimits({ store, at }: Subject): Promise<void> {
  const fill = (bytes: number) => {
    const start = at('long/')
    const parts = 'ä'.repeat(60)
    let key = start
    while (Buffer.byteLength(key) + 121 < bytes) key += `${parts}/`
    return key + 'x'.repeat(bytes - Buffer.byteLength(key))
  }
  const long = fill(1_000)
  await store.put(long, text('long'))
  expectBytes(await store.get(long), text('long'))
  const requests: string[] = []
  const stop = store.observe(({ key }) => requests.push(key))
  const error = await store.put(fill(1_100), text('too long')).catch((caught: unknown) => caught)
  stop()
  expect(DataShardError.is(error, 'invalid-argument'), 'invalid-argument', error)
}

async function deleteMany({ store, at }: Subject): Promise<void> {
  const keys = Array.from({ length: 30 }, (_, i) => at(`d/${i}`))
  for (const key of keys.slice(0, 20)) await store.put(key, text('x'))
  await store.delete(keys)
  await store.delete([])
  expectKeys(await keysOf(store, at('d/')), [])
}

async function largeStream({ store, at }: Subject): Promise<void> {
  const result = await store.put(at('large'), largeBody())
  expect(result.outcome === 'written', 'the stream to be written', result)
  const head = await store.head(at('large'))
  expect(head?.size === LARGE_BYTES, `${LARGE_BYTES} bytes`, head)
  expectBytes(await store.get(at('large'), { range: { start: LARGE_BYTES - 4 } }), lastBytes())
  const whole = await store.put(at('large 2'), await joined(largeBody()))
  expect(whole.outcome === 'written', 'large bytes to be written', whole)
  expectBytes(await store.get(at('large 2'), { range: { suffix: 4 } }), lastBytes())
}

async function largeStreamCreate({ store, at }: Subject): Promise<void> {
  const first = await store.put(at('large'), largeBody(), { mode: 'create' })
  expect(first.outcome === 'written', 'the first to be written', first)
  const second = await store.put(at('large'), largeBody(), { mode: 'create' })
  expect(second.outcome === 'precondition-failed', 'the second to be refused', second)
}

async function failingStream({ store, at }: Subject): Promise<void> {
  const error = await store.put(at('broken'), brokenBody()).then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error instanceof RangeError, 'the error of the source itself', error)
  expectKeys(await keysOf(store, at('broken')), [])
}

async function cancelledBefore({ store, at }: Subject): Promise<void> {
  await store.put(at('there'), text('x'))
  const signal = AbortSignal.abort('enough')
  const calls = [
    () => store.get(at('there'), { signal }),
    () => store.head(at('there'), { signal }),
    () => store.put(at('new'), text('x'), { signal }),
    () => store.put(at('new'), text('x'), { signal, mode: 'create' }),
    () => store.delete([at('there')], { signal }),
  ]
  for (const call of calls) {
    const error = await call().then(
      () => undefined,
      (caught: unknown) => caught,
    )
    expect(DataShardError.is(error, 'aborted'), 'aborted', error)
  }
  expectKeys(await keysOf(store, at('')), [at('there')])
}

async function cancelledListing({ store, at }: Subject): Promise<void> {
  await store.put(at('a'), text('x'))
  const iterator = store.list(at(''), { signal: AbortSignal.abort() })[Symbol.asyncIterator]()
  const error = await iterator.next().then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(DataShardError.is(error, 'aborted'), 'aborted', error)
}

async function observed({ store, at }: Subject): Promise<void> {
  const verbs: string[] = []
  const stop = store.observe(({ verb, durationMs }) => durationMs >= 0 && verbs.push(verb))
  await store.put(at('k'), text('x'))
  await store.get(at('k'))
  await store.head(at('k'))
  await keysOf(store, at(''))
  await store.delete([at('k')])
  stop()
  await store.get(at('k'))
  expect(verbs.join() === 'PUT,GET,HEAD,LIST,DELETE', 'PUT,GET,HEAD,LIST,DELETE', verbs)
}

async function urls({ store, at }: Subject): Promise<void> {
  const key = at('a b/c#d.parquet')
  const found = store.keyOf(store.urlOf(key))
  expect(found === key, `'${key}'`, found)
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

async function* brokenBody(): AsyncIterable<Uint8Array> {
  yield text('some')
  throw new RangeError('the source broke')
}

async function* largeBody(): AsyncIterable<Uint8Array> {
  const chunk = 1024 * 1024
  for (let at = 0; at < LARGE_BYTES; at += chunk) {
    const bytes = new Uint8Array(chunk).fill(at / chunk)
    if (at + chunk === LARGE_BYTES) bytes.set(lastBytes(), chunk - 4)
    yield bytes
  }
}

function lastBytes(): Uint8Array {
  return Uint8Array.of(1, 2, 3, 255)
}

async function joined(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all = new Uint8Array(LARGE_BYTES)
  let at = 0
  for await (const chunk of body) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

async function collect(store: ObjectStore, prefix: string, options = {}): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = []
  for await (const info of store.list(prefix, options)) found.push(info)
  return found
}

async function keysOf(store: ObjectStore, prefix: string, options = {}): Promise<string[]> {
  return (await collect(store, prefix, options)).map((info) => info.key)
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function expect(condition: boolean, wanted: string, found: unknown): asserts condition {
  if (!condition) throw new Error(`expected ${wanted}; found ${describe(found)}`)
}

function expectBytes(found: Uint8Array | undefined, wanted: Uint8Array): void {
  const same = found !== undefined && Buffer.compare(found, wanted) === 0
  expect(same, `${wanted.length} bytes ${preview(wanted)}`, found && `${found.length} bytes ${preview(found)}`)
}

function expectKeys(found: readonly string[], wanted: readonly string[]): void {
  expect(
    JSON.stringify(found) === JSON.stringify(wanted),
    `the keys ${JSON.stringify(wanted.slice(0, 20))}`,
    found.slice(0, 20),
  )
}

function preview(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 40)))
}

function describe(value: unknown): string {
  return value instanceof Error ? `${value.name}: ${value.message}` : (JSON.stringify(value) ?? String(value))
}

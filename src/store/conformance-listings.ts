/** Conformance: listings, deletes, and keys of every shape. */
import { compareKeys } from './keys.ts'
import type { Subject } from './conformance-assert.ts'
import { collect, expect, expectBytes, expectKeys, expectRefusal, inOrder, keysOf, text } from './conformance-assert.ts'

/** More than one page of a listing, or one batch of deletes. */
const MANY_KEYS = 1_050
const PARALLEL_PUTS = 100

const ODD_NAMES = [
  'blank in it',
  ' blanks around ',
  'hash#mark',
  'question?mark',
  'per%20cent',
  'plus+sign',
  'equals=and&amper',
  `quote'and"double`,
  'back\\slash',
  'less<than>more',
  'ünïcödé-\u{1f600}',
  'decompose\u0301d',
  '漢字',
  '(brackets)[square]{curly}',
  'semi;colon,comma:colon',
  'UPPER.lower',
  '~tilde!bang*star|pipe^caret`tick',
  '..two dots',
  'dots..',
]

const NO_KEYS = ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a/.', 'nul\0', 'half \ud800']

export const LISTING_CASES: readonly (readonly [name: string, run: (subject: Subject) => Promise<void>])[] = [
  ['a put is in the next listing, a delete is not', listAfterWrites],
  ['listings and deletes go over pages, in the order of UTF-8 bytes', manyKeys],
  ['startAfter and limit', startAfterAndLimit],
  ['keys of no interest', keysOfNoInterest],
  ['a prefix may end within a name', prefixWithinName],
  ['a listing that is left early ends', leftEarly],
  ['keys with odd characters are kept as they are', oddKeys],
  ['what is no key is refused before anything is sent', noKeys],
  ['a key of 1,024 bytes works, a longer one is refused before anything is sent', keyLimits],
  ['deleting many keys, missing ones among them', deleteMany],
  ['a call that was cancelled before it began does nothing', cancelledBefore],
  ['a listing that is cancelled stops', cancelledListing],
  ['every request is observed', observed],
  ['keys, URLs and back', urls],
]

async function listAfterWrites({ store, at }: Subject): Promise<void> {
  await store.put(at('l/a'), text('1'))
  expectKeys(await keysOf(store, at('l/')), [at('l/a')])
  await store.put(at('l/b/c'), text('22'))
  expectKeys(await keysOf(store, at('l/')), [at('l/a'), at('l/b/c')])
  await store.delete([at('l/a')])
  expectKeys(await keysOf(store, at('l/')), [at('l/b/c')])
  expectKeys(await keysOf(store, at('nothing here/')), [])
  const [info] = await collect(store, at('l/'))
  const head = await store.head(at('l/b/c'))
  expect(info?.size === 2 && info.etag === head?.etag, `size 2 and the etag ${head?.etag} in the listing`, info)
  // A header has whole seconds, a listing may have milliseconds.
  const apartMs = Math.abs(info.lastModifiedMs - (head?.lastModifiedMs ?? 0))
  expect(apartMs < 1_000, 'the same time in listing and head', `${apartMs} ms apart`)
}

async function manyKeys({ store, at }: Subject): Promise<void> {
  const keys = Array.from({ length: MANY_KEYS }, (_, i) => at(`many/${i % 7}/${i}`))
  for (let from = 0; from < keys.length; from += PARALLEL_PUTS) {
    await Promise.all(keys.slice(from, from + PARALLEL_PUTS).map((key) => store.put(key, text(key))))
  }
  const sorted = inOrder(keys)
  expectKeys(await keysOf(store, at('many/')), sorted)
  expectKeys(await keysOf(store, at('many/'), { limit: 1_020 }), sorted.slice(0, 1_020))
  expectKeys(await keysOf(store, at('many/'), { startAfter: sorted[9]! }), sorted.slice(10))
  await store.delete(keys)
  expectKeys(await keysOf(store, at('many/')), [])
}

async function startAfterAndLimit({ store, at }: Subject): Promise<void> {
  const keys = inOrder(
    ['a', 'a.b', 'd/b', 'd-', 'd.c', 'd0', 'z', '\u{1f600}', '\u{ff5e}'].map((name) => at(`p/${name}`)),
  )
  for (const key of keys) await store.put(key, text('x'))
  expectKeys(await keysOf(store, at('p/')), keys)
  for (const [index, key] of keys.entries()) {
    expectKeys(await keysOf(store, at('p/'), { startAfter: key }), keys.slice(index + 1))
  }
  for (const between of ['p/a-', 'p/d/', 'p/d/z', 'p', 'q']) {
    const after = keys.filter((key) => compareKeys(key, at(between)) > 0)
    expectKeys(await keysOf(store, at('p/'), { startAfter: at(between) }), after)
  }
  expectKeys(await keysOf(store, at('p/'), { limit: 2 }), keys.slice(0, 2))
  expectKeys(await keysOf(store, at('p/'), { limit: 0 }), [])
  expectKeys(await keysOf(store, at('p/'), { startAfter: keys[0]!, limit: 1 }), keys.slice(1, 2))
}

async function keysOfNoInterest({ store, at }: Subject): Promise<void> {
  const keys = inOrder(['w/a', 'w/b', 'w/c/d', 'w/e'].map(at))
  for (const key of keys) await store.put(key, text('x'))
  const wanted = new Set([keys[0]!, keys[2]!])
  const found = await keysOf(store, at('w/'), { isWanted: (key) => wanted.has(key) })
  // A hint: the others may be there, these must be.
  expectKeys(
    found.filter((key) => wanted.has(key)),
    [...wanted],
  )
  expectKeys(
    found.filter((key) => !keys.includes(key)),
    [],
  )
}

async function prefixWithinName({ store, at }: Subject): Promise<void> {
  for (const key of ['ab/1', 'abc', 'abd/2', 'b']) await store.put(at(key), text('x'))
  expectKeys(await keysOf(store, at('ab')), [at('ab/1'), at('abc'), at('abd/2')])
  expectKeys(await keysOf(store, at('abd')), [at('abd/2')])
  expectKeys(await keysOf(store, at('abc')), [at('abc')])
  expectKeys(await keysOf(store, at('abc/')), [])
}

async function leftEarly({ store, at }: Subject): Promise<void> {
  for (const key of ['1', '2', '3']) await store.put(at(key), text('x'))
  for await (const { key } of store.list(at(''))) {
    expect(key === at('1'), at('1'), key)
    break
  }
}

async function oddKeys({ store, at }: Subject): Promise<void> {
  const keys = ODD_NAMES.flatMap((name) => [at(`odd/${name}`), at(`odd/folder ${name}/x`)])
  for (const key of keys) {
    const result = await store.put(key, text(key), { mode: 'create' })
    expect(result.outcome === 'written', `'${key}' to be written`, result)
  }
  for (const key of keys) {
    expectBytes(await store.get(key), text(key))
    expectKeys(await keysOf(store, key), [key])
  }
  expectKeys(await keysOf(store, at('odd/')), inOrder(keys))
  await store.delete(keys)
  expectKeys(await keysOf(store, at('odd/')), [])
}

async function noKeys({ store, at }: Subject): Promise<void> {
  const sent: string[] = []
  const stop = store.observe(({ key }) => sent.push(key))
  for (const name of NO_KEYS) {
    const key = name === '' || name.startsWith('/') ? name : at(name)
    const shown = JSON.stringify(key)
    await expectRefusal('invalid-argument', () => store.put(key, text('x')), `a put of ${shown}`)
    await expectRefusal('invalid-argument', () => store.get(key), `a get of ${shown}`)
    await expectRefusal('invalid-argument', () => store.head(key), `a head of ${shown}`)
    await expectRefusal('invalid-argument', () => store.delete([key]), `a delete of ${shown}`)
  }
  stop()
  expect(sent.length === 0, 'no request', sent)
}

async function keyLimits({ store, at }: Subject): Promise<void> {
  // Segments of at most 242 bytes: file systems, and MinIO, end at 255.
  const fill = (bytes: number) => {
    let key = at('long/')
    while (Buffer.byteLength(key) + 243 < bytes) key += `${'ä'.repeat(121)}/`
    return key + 'x'.repeat(bytes - Buffer.byteLength(key))
  }
  await store.put(fill(1_024), text('long'))
  expectBytes(await store.get(fill(1_024)), text('long'))
  const sent: string[] = []
  const stop = store.observe(({ key }) => sent.push(key))
  await expectRefusal('invalid-argument', () => store.put(fill(1_025), text('too long')), 'a key of 1,025 bytes')
  stop()
  expect(sent.length === 0, 'no request', sent)
}

async function deleteMany({ store, at }: Subject): Promise<void> {
  const keys = Array.from({ length: 30 }, (_, i) => at(`d/${i}`))
  for (const key of keys.slice(0, 20)) await store.put(key, text('x'))
  await store.put(at('kept'), text('x'))
  await store.delete(keys)
  await store.delete([])
  await store.delete([at('never there')])
  await store.delete([at('never/a/folder')])
  expectKeys(await keysOf(store, at('')), [at('kept')])
}

async function cancelledBefore({ store, at }: Subject): Promise<void> {
  await store.put(at('there'), text('x'))
  const signal = AbortSignal.abort('enough')
  const calls = {
    get: () => store.get(at('there'), { signal }),
    head: () => store.head(at('there'), { signal }),
    put: () => store.put(at('new'), text('x'), { signal }),
    create: () => store.put(at('new'), text('x'), { signal, mode: 'create' }),
    delete: () => store.delete([at('there')], { signal }),
  }
  for (const [name, call] of Object.entries(calls)) await expectRefusal('aborted', call, name)
  expectKeys(await keysOf(store, at('')), [at('there')])
}

async function cancelledListing({ store, at }: Subject): Promise<void> {
  for (const key of ['a', 'b', 'c']) await store.put(at(key), text('x'))
  const before = () => keysOf(store, at(''), { signal: AbortSignal.abort() })
  await expectRefusal('aborted', before, 'a listing that was cancelled before')
}

async function observed({ store, at }: Subject): Promise<void> {
  const verbs: string[] = []
  const stop = store.observe(({ verb, durationMs, status, bytes }) => {
    expect(durationMs >= 0 && status >= 200 && bytes >= 0, 'duration, status and bytes', [durationMs, status, bytes])
    verbs.push(verb)
  })
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
  for (const key of [at('a b/c#d.parquet'), at('k=v/%41?+')]) {
    expect(store.keyOf(store.urlOf(key)) === key, `'${key}'`, store.keyOf(store.urlOf(key)))
  }
  expect(!store.url.endsWith('/'), 'a URL of the store without a slash at its end', store.url)
}

/** What `doctor` asks of a store: rights, what a list shows, a race of creates, the clock. */
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { DataShardError } from '../errors.ts'
import { probeConditionalCreate } from '../store/probe.ts'
import { NO_RIGHT } from '../store/s3-errors.ts'
import type { Advice, Finding } from './doctor.ts'
import { attempt } from './doctor.ts'

/** Timestamps of snapshots are taken by the store's clock, so this much of a difference does no harm by itself. */
const CLOCK_WARNING_MS = 5_000
/** S3 refuses requests that were signed so far off (RequestTimeTooSkewed). */
const CLOCK_PROBLEM_MS = 15 * 60_000

const BODY = new TextEncoder().encode('datashard doctor was here\n')

/** @returns whether the store can be worked with at all. */
export async function* storeFindings(
  place: Place,
  scratch: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Finding, boolean> {
  try {
    const usable = yield* rights(place, scratch, signal)
    if (usable) yield* race(place, scratch, signal)
    if (usable) yield clock(place)
    return usable
  } finally {
    const clean = await cleanUp(place, scratch)
    if (!clean && signal?.aborted !== true) {
      yield {
        check: 'clean-up',
        status: 'warning',
        found: `test objects are left under ${place.store.urlOf(keyIn(place, scratch))}`,
        next: 'allow s3:DeleteObject, and delete them',
      }
    }
  }
}

/** One thing that must be allowed, or seen. `body` says what is wrong. @returns whether all is well. */
async function* step(
  check: string,
  advice: Advice,
  body: () => Promise<string | undefined>,
): AsyncGenerator<Finding, boolean> {
  const wrong = yield* attempt(check, advice, async () => (await body()) ?? '')
  if (wrong === undefined) return false
  const next = typeof advice === 'string' ? advice : advice(undefined)
  yield wrong === '' ? { check, status: 'ok', found: 'allowed' } : { check, status: 'problem', found: wrong, next }
  return wrong === ''
}

async function* rights(
  place: Place,
  scratch: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Finding, boolean> {
  const { store } = place
  const key = keyIn(place, `${scratch}/rights`)
  const list = async () => {
    const keys: string[] = []
    for await (const object of store.list(keyIn(place, `${scratch}/`), { signal })) keys.push(object.key)
    return keys
  }
  const canList = yield* step('list', access('s3:ListBucket'), async () => void (await list()))
  if (!canList) return false
  const canRead = yield* step('read', access('s3:GetObject'), async () => {
    const found = await store.get(key, { signal })
    return found === undefined ? undefined : `${store.urlOf(key)} was found before it was written`
  })
  const canWrite = yield* step('write', access('s3:PutObject'), async () => {
    const { outcome } = await store.put(key, BODY, { signal })
    return outcome === 'written' ? undefined : `a plain write ended as '${outcome}'`
  })
  if (!canRead || !canWrite) return canRead
  yield* step('read after write', 'use a store that is consistent: a table cannot be kept on this one', async () => {
    const bytes = await store.get(key, { signal })
    return bytes && sameBytes(bytes, BODY) ? undefined : 'an object that was just written is not there, or differs'
  })
  yield* step('list after create', 'use a store whose lists are consistent', async () =>
    (await list()).includes(key) ? undefined : 'an object that was just created is not in a list',
  )
  yield* step('delete', access('s3:DeleteObject'), () => store.delete([key], { signal }).then(() => undefined))
  yield* step('list after delete', 'use a store whose lists are consistent', async () =>
    (await list()).includes(key) ? 'an object that was just deleted is still in a list' : undefined,
  )
  return true
}

/** Who lacks a right is told which; a bucket that is not there, or a wrong key, is not mended by one. */
function access(right: string): Advice {
  return (error) =>
    DataShardError.is(error) && !isLackOfRight(error)
      ? 'do what it says there, and look again'
      : `allow it (on S3: ${right} on this bucket and prefix), and check which credentials are used`
}

function isLackOfRight({ code, message }: DataShardError): boolean {
  return code === 'denied' && (message.includes(NO_RIGHT) || /\b(?:EACCES|EPERM)\b/.test(message))
}

async function* race(place: Place, scratch: string, signal: AbortSignal | undefined): AsyncGenerator<Finding> {
  const check = 'conditional create'
  const { runtime } = place
  const result = yield* attempt(check, 'try again; nothing can be said about commits here', () =>
    probeConditionalCreate(place.store, keyIn(place, `${scratch}/race`), { runtime, signal }),
  )
  if (result === undefined) return
  const raced = `${result.clients} clients on each of ${result.rounds} keys`
  if (result.passed) yield { check, status: 'ok', found: `${raced}: exactly one won each time` }
  else {
    yield {
      check,
      status: 'problem',
      found: `${raced}: ${result.reason ?? 'more than one won'}`,
      next: 'do not keep a table here: commits would overwrite each other. AWS S3, MinIO and Cloudflare R2 can do it',
    }
  }
}

function clock(place: Place): Finding {
  const offsetMs = place.store.clockOffsetMs()
  const check = 'clock'
  const by = `${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${offsetMs > 0 ? 'ahead of' : 'behind'}`
  if (Math.abs(offsetMs) < CLOCK_WARNING_MS) return { check, status: 'ok', found: 'this machine and the store agree' }
  return {
    check,
    status: Math.abs(offsetMs) < CLOCK_PROBLEM_MS ? 'warning' : 'problem',
    found: `the store's clock is ${by} this machine's; commits go by the store's`,
    next: "set this machine's clock (NTP): S3 refuses requests that are 15 minutes off",
  }
}

/** @returns false if test objects are left. */
async function cleanUp(place: Place, scratch: string): Promise<boolean> {
  const keys: string[] = []
  try {
    for await (const { key } of place.store.list(keyIn(place, `${scratch}/`))) keys.push(key)
    if (keys.length > 0) await place.store.delete(keys)
    return true
  } catch {
    // Where nothing can be listed, nothing was written either: that is tried only after a list.
    return keys.length === 0
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** An object of a bucket, read by ranges, and only if it is still the one that the notification is about. */
import { DataShardError } from '../errors.ts'
import { openStore } from '../store/open.ts'
import type { ObjectStore } from '../store/store.ts'
import type { Settings } from './options.ts'

/** One request each: few enough for the bill, small enough for a function of 128 MB. */
const PIECE_BYTES = 8 * 1024 * 1024

export interface ObjectName {
  readonly bucket: string
  readonly key: string
  /** Where the bucket keeps versions. */
  readonly versionId: string | undefined
  /** As the notification has it; undefined if it has none. */
  readonly etag: string | undefined
}

export interface ObjectBytes {
  readonly size: number
  read(start: number, end: number): Promise<Uint8Array>
  /** All of it; fails at its end if the object was replaced meanwhile. */
  chunks(): AsyncGenerator<Uint8Array>
  /** @throws `invalid-argument` if the object is not what it was. One request. */
  check(): Promise<void>
}

/** Stores of buckets, opened once per instance. */
export type Buckets = (bucket: string) => ObjectStore

export function bucketStores({ s3, store, runtime }: Settings): Buckets {
  const open = new Map<string, ObjectStore>()
  return (bucket) => {
    if (store?.url === `s3://${bucket}`) return store
    const known = open.get(bucket) ?? openStore(`s3://${bucket}`, { ...(s3 && { s3 }), runtime }).store
    open.set(bucket, known)
    return known
  }
}

/** Requests: a HEAD, and one GET for each 8 MiB; another HEAD at the end. @throws `invalid-argument` if it is not there */
export async function openObject(name: ObjectName, buckets: Buckets, signal: AbortSignal): Promise<ObjectBytes> {
  const store = buckets(name.bucket)
  const { versionId } = name
  const where = store.urlOf(name.key)
  const found = await store.head(name.key, { signal, versionId })
  if (!found) return gone(`there is no object ${where} any more: it was deleted after the notification`)
  if (name.etag !== undefined && bare(found.etag) !== bare(name.etag)) {
    return gone(
      `${where} is not the object of the notification any more: it has the ETag ${bare(found.etag)}, expected ` +
        `${bare(name.etag)}. What it holds now has a notification of its own`,
    )
  }
  const read = async (start: number, end: number) => {
    const bytes = await store.get(name.key, { range: { start, end }, signal, versionId })
    return bytes ?? gone(`${where} was deleted while it was read`)
  }
  const check = async () => {
    const now = await store.head(name.key, { signal, versionId })
    if (now?.etag !== found.etag) gone(`${where} was ${now ? 'replaced' : 'deleted'} while it was read`)
  }
  return {
    size: found.size,
    read,
    check,
    async *chunks() {
      for (let start = 0; start < found.size; start += PIECE_BYTES) {
        yield await read(start, Math.min(found.size, start + PIECE_BYTES))
      }
      await check()
    },
  }
}

function gone(message: string): never {
  throw new DataShardError('invalid-argument', message)
}

/** Notifications have it without quotes, answers with them. */
const bare = (etag: string) => etag.replaceAll('"', '')

/** Listing keys on S3, page after page. */
import { DataShardError } from '../errors.ts'
import type { S3Exchanger } from './s3-exchange.ts'
import type { S3Page } from './s3-requests.ts'
import type { ListOptions, ObjectInfo } from './store.ts'

/** S3's own limit. */
const PAGE_KEYS = 1_000

interface PageStart {
  readonly token?: string | undefined
  readonly after?: string | undefined
}

interface Page {
  readonly objects: readonly ObjectInfo[]
  readonly next: PageStart | undefined
}

export async function* listObjects(
  exchanger: S3Exchanger,
  prefix: string,
  { startAfter, limit = Infinity, signal }: ListOptions,
): AsyncGenerator<ObjectInfo, void, undefined> {
  let left = limit
  let from: PageStart = { after: startAfter }
  while (left > 0) {
    const page = await listPage(exchanger, prefix, from, Math.min(left, PAGE_KEYS), signal)
    for (const object of page.objects) yield object
    left -= page.objects.length
    if (!page.next) return
    from = page.next
  }
}

function listPage(
  exchanger: S3Exchanger,
  prefix: string,
  from: PageStart,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Page> {
  return exchanger.retried<Page>({
    verb: 'LIST',
    action: 's3:ListBucket',
    key: prefix,
    signal,
    send: async (how) => {
      const { token, after: startAfter } = from
      const page = await how.requests.list({ prefix, maxKeys: limit, token, startAfter: startAfter || undefined }, how)
      return { value: { objects: page.objects, next: nextPage(page) }, status: 200 }
    },
  })
}

/** By the token, because a page may be empty and not the last; a store without tokens goes on after the last key. */
function nextPage({ objects, truncated, token }: S3Page): PageStart | undefined {
  if (!truncated) return undefined
  if (token) return { token }
  const last = objects.at(-1)
  if (!last) throw new DataShardError('unavailable', 'a listing says that it goes on, but not where; try again')
  return { after: last.key }
}

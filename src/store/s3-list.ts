/** Listing keys on S3, page after page. */
import { DataShardError } from '../errors.ts'
import { infoOf, notS3 } from './s3-answers.ts'
import type { S3Exchanger } from './s3-exchange.ts'
import { decodeListedKey } from './s3-quirks.ts'
import type { ListOptions, ObjectInfo } from './store.ts'

/** S3's own limit. */
const PAGE_KEYS = 1_000

interface PageStart {
  readonly token?: string
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
    yield* page.objects
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
    send: async ({ sdk, client, watch, options }) => {
      const command = new sdk.ListObjectsV2Command({
        Bucket: exchanger.bucket,
        Prefix: prefix,
        MaxKeys: limit,
        EncodingType: 'url',
        ...(from.token !== undefined && { ContinuationToken: from.token }),
        ...(from.after !== undefined && from.after !== '' && { StartAfter: from.after }),
      })
      const answer = await client.send(watch(command), options)
      if (!answer.Contents && answer.Name === undefined && answer.KeyCount === undefined) {
        throw notS3(exchanger.bucket, 'a listing without a name')
      }
      const objects = (answer.Contents ?? []).map((one) =>
        infoOf(decodeListedKey(one.Key ?? '', answer.EncodingType), one.Size, one),
      )
      return { value: { objects, next: nextPage(answer, objects) }, status: 200 }
    },
  })
}

/** By the token, because a page may be empty and not the last; a store without tokens goes on after the last key. */
function nextPage(
  answer: { readonly IsTruncated?: boolean | undefined; readonly NextContinuationToken?: string | undefined },
  objects: readonly ObjectInfo[],
): PageStart | undefined {
  if (answer.IsTruncated !== true) return undefined
  if (answer.NextContinuationToken) return { token: answer.NextContinuationToken }
  const last = objects.at(-1)
  if (!last) throw new DataShardError('unavailable', 'a listing says that it goes on, but not where; try again')
  return { after: last.key }
}

import { createHash } from 'node:crypto'

export interface StoredObject {
  readonly body: Uint8Array
  /** With its quotes, as it goes over the wire. */
  readonly etag: string
  readonly lastModified: Date
  /** What comes back with GET and HEAD: content-type, x-amz-meta-*, checksums. */
  readonly headers: Readonly<Record<string, string>>
}

export interface PendingUpload {
  readonly bucket: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly parts: Map<number, { readonly body: Uint8Array; readonly etag: string }>
}

/** An S3 error as a value of the protocol: status and code. */
export class S3Error extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string = code, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'S3Error'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export interface Page {
  readonly entries: readonly (readonly [key: string, object: StoredObject])[]
  readonly commonPrefixes: readonly string[]
  /** Present when there is more: the name, key or common prefix, after which the next page starts. */
  readonly next?: string
}

export interface ListRequest {
  readonly prefix: string
  readonly after: string
  readonly delimiter: string
  readonly limit: number
}

/**
 * The objects of a bucket. Their keys are kept in order beside them, because a bench lists a bucket of many thousand objects hundreds of
 * times per second.
 */
export class Bucket extends Map<string, StoredObject> {
  readonly #sorted: string[] = []

  override set(key: string, object: StoredObject): this {
    if (!this.has(key)) this.#sorted.splice(this.#firstNotBefore(key), 0, key)
    return super.set(key, object)
  }

  override delete(key: string): boolean {
    if (this.has(key)) this.#sorted.splice(this.#firstNotBefore(key), 1)
    return super.delete(key)
  }

  override clear(): void {
    this.#sorted.length = 0
    super.clear()
  }

  /** Keys from `start` on, in the order of their bytes. */
  *keysFrom(start: string): Iterable<string> {
    for (let i = this.#firstNotBefore(start); i < this.#sorted.length; i++) yield this.#sorted[i]!
  }

  #firstNotBefore(key: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#sorted[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

export function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

const SURROGATE = /[\ud800-\udfff]/

/** S3 lists in the order of UTF-8 bytes; JavaScript compares UTF-16 units, which differs beyond U+FFFF. */
function compareUtf8(a: string, b: string): number {
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : Number(a > b)
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

export function listPage(bucket: Bucket, { prefix, after, delimiter, limit }: ListRequest): Page {
  const entries: [string, StoredObject][] = []
  const commonPrefixes: string[] = []
  let last = ''
  for (const key of bucket.keysFrom(compareUtf8(after, prefix) > 0 ? after : prefix)) {
    if (key === after) continue
    if (!key.startsWith(prefix)) break
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const common = cut === -1 ? undefined : key.slice(0, cut + delimiter.length)
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === after)) continue
    if (entries.length + commonPrefixes.length === limit) return { entries, commonPrefixes, next: last }
    const object = bucket.get(key)
    if (common !== undefined) commonPrefixes.push(common)
    else if (object !== undefined) entries.push([key, object])
    last = common ?? key
  }
  return { entries, commonPrefixes }
}

/** RFC 9110 section 14: the bytes that one `Range` asks for, or undefined when the header is to be ignored. */
export function parseRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [, first = '', last = ''] = match
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start >= size || end <= start) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${size}`,
    })
  }
  return { start, end }
}

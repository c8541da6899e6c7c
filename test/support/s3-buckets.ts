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

/** The objects of a bucket, and their keys in the order of listings, which would otherwise be sorted for each of them. */
export class Bucket extends Map<string, StoredObject> {
  readonly #keys: string[] = []

  override set(key: string, object: StoredObject): this {
    if (!this.has(key)) this.#keys.splice(this.#firstFrom(key), 0, key)
    return super.set(key, object)
  }

  override delete(key: string): boolean {
    if (this.has(key)) this.#keys.splice(this.#firstFrom(key), 1)
    return super.delete(key)
  }

  override clear(): void {
    this.#keys.length = 0
    super.clear()
  }

  /** Keys that begin with the prefix and come after a name, in order. */
  *keysAfter(prefix: string, after: string): Iterable<string> {
    let at = this.#firstFrom(compareUtf8(prefix, after) > 0 ? prefix : after)
    if (this.#keys[at] === after) at += 1
    for (; at < this.#keys.length; at++) {
      const key = this.#keys[at]!
      if (!key.startsWith(prefix)) return
      yield key
    }
  }

  /** Where the first key is that is not before this name. */
  #firstFrom(name: string): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#keys[middle]!, name) < 0) low = middle + 1
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
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : a === b ? 0 : 1
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

export function listPage(bucket: Bucket, { prefix, after, delimiter, limit }: ListRequest): Page {
  const entries: [string, StoredObject][] = []
  const commonPrefixes: string[] = []
  let last = ''
  for (const key of bucket.keysAfter(prefix, after)) {
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

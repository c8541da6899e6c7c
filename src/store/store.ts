/**
 * The contract of an object store: the few primitives that a table needs. Expected outcomes are values; only failures
 * throw, as DataShardError (`denied`, `unavailable`, `not-found` for a missing bucket, `aborted`, `unsupported`,
 * `invalid-argument` for an impossible key). The conformance suite in `test/store/conformance.ts` says the rest.
 */

/** Bytes `start` to `end` (exclusive). `{ suffix }`: the last so many bytes. A range beyond the end is cut. */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffix: number }

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface HeadOptions extends CallOptions {
  /** One version of the object, in an S3 bucket that keeps versions. Other stores have no such object. */
  readonly versionId?: string | undefined
}

export interface GetOptions extends HeadOptions {
  readonly range?: ByteRange | undefined
}

/** `overwrite`: last writer wins. `create`: only if the key does not exist. `ifMatch`: only if its etag is this one. */
export type PutMode = 'overwrite' | 'create' | { readonly ifMatch: string }

export interface PutOptions extends CallOptions {
  /** Default `overwrite`. */
  readonly mode?: PutMode | undefined
  /** User metadata: lower-case ASCII names and values. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly contentType?: string | undefined
}

/**
 * What became of a put. `unknown`: no answer that can be trusted came back (timeout, reset, 5xx, 409, 429), the object
 * may or may not have been written, now or a little later. `overwrite` puts are retried inside the store, because a
 * repetition does no harm, and throw `unavailable` in the end; a conditional put is sent exactly once per call. Its
 * signal firing while it is under way makes it `unknown` too, with an `aborted` cause; every other call throws `aborted`.
 */
export type PutResult =
  | { readonly outcome: 'written'; readonly etag: string }
  | { readonly outcome: 'precondition-failed' }
  | { readonly outcome: 'unknown'; readonly cause: unknown }

export interface ObjectInfo {
  readonly key: string
  /** Bytes. */
  readonly size: number
  readonly etag: string
  /** By the store's clock, milliseconds since the epoch. */
  readonly lastModifiedMs: number
}

export interface HeadResult extends ObjectInfo {
  readonly metadata: Readonly<Record<string, string>>
}

export interface ListOptions extends CallOptions {
  /** Only keys after this one, in the order of their UTF-8 bytes. */
  readonly startAfter?: string | undefined
  /** At most so many keys. */
  readonly limit?: number | undefined
  /**
   * A hint: keys for which it says false may be left out, and are where a store would have to ask for the facts of each (a directory).
   * It may be called any number of times for a key.
   */
  readonly isWanted?: ((key: string) => boolean) | undefined
}

/** The body of a put: bytes, or a stream of chunks of any size for what does not fit in memory. */
export type PutBody = Uint8Array | AsyncIterable<Uint8Array>

/** One request as it went over the wire (or to the disk), for counting, tracing and tests. */
export interface RequestEvent {
  readonly verb: 'GET' | 'PUT' | 'HEAD' | 'LIST' | 'DELETE'
  readonly key: string
  /** HTTP status, or the nearest one for a store that has none; 0 when no answer came. */
  readonly status: number
  readonly durationMs: number
  readonly bytes: number
}

/**
 * Keys are at most 1,024 bytes, in parts of at most 255 between slashes. No key may be the folder of another (`a` beside
 * `a/b`): AWS would take both, directories and MinIO cannot.
 */
export interface ObjectStore {
  /**
   * What every key is under, as a URL without a trailing slash: `s3://bucket`, `file:///dir`, `memory://name`.
   */
  readonly url: string
  /** The key of an object named by a URL or an absolute path, or undefined if it lies outside this store. */
  keyOf(url: string): string | undefined
  /** The name of a key that other engines understand: `s3://bucket/key`, or a bare absolute path on a local disk. */
  urlOf(key: string): string
  /** All bytes, or a range of them; undefined if there is no such object. One request. */
  get(key: string, options?: GetOptions): Promise<Uint8Array | undefined>
  /** Writes an object. One request; a stream longer than one part takes a multipart upload under the same condition. */
  put(key: string, body: PutBody, options?: PutOptions): Promise<PutResult>
  /** Facts about an object; undefined if there is none. One request; on S3 one more for the first that is missing. */
  head(key: string, options?: HeadOptions): Promise<HeadResult | undefined>
  /** Keys that begin with `prefix`, in the order of their UTF-8 bytes; 1,000 per request. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  /** Deletes in the given order as far as the store keeps one; a missing key is no error. 1,000 per request. */
  delete(keys: readonly string[], options?: CallOptions): Promise<void>
  /** The store's clock less ours in milliseconds, as learnt from its answers; 0 before the first. */
  clockOffsetMs(): number
  /** Called for every request from now on; returns the function that ends it. */
  observe(listener: (event: RequestEvent) => void): () => void
  /**
   * Whether conditional creates must be proved by racing them before a table is created here (any endpoint that is
   * not AWS's own), and how this endpoint is called in messages and records.
   */
  readonly conditionalCreate: { readonly trusted: boolean; readonly endpoint: string }
  /** Frees connections. The store may not be used afterwards. */
  close(): void
}

/** The five requests that nearly all traffic is made of: what each is asked and answers, whoever makes it. */
import type { Sending } from './s3-exchange.ts'
import type { ObjectInfo, PutOptions } from './store.ts'

/** An object as it is now, or one of its versions. */
export interface S3Object {
  readonly key: string
  readonly versionId?: string | undefined
}

/** What came back of an object; a field is undefined where the server did not say. */
export interface S3Answer {
  /** HTTP status, 200 to 299: any other is thrown, in the shape that the SDK's errors have. */
  readonly status: number
  readonly etag: string | undefined
}

export interface S3Body extends S3Answer {
  readonly bytes: Uint8Array
  /** As announced. */
  readonly size: number | undefined
}

export interface S3Facts extends S3Answer {
  readonly size: number | undefined
  readonly lastModifiedMs: number | undefined
  readonly metadata: Readonly<Record<string, string>>
}

export interface S3PageQuery {
  readonly prefix: string
  readonly maxKeys: number
  /** Where the page before ended: by its token, or else by its last key. */
  readonly token: string | undefined
  readonly startAfter: string | undefined
}

export interface S3Page {
  readonly objects: readonly ObjectInfo[]
  /** Whether there is more, and the token with which to ask for it, if there is one. */
  readonly truncated: boolean
  readonly token: string | undefined
}

export interface S3Requests {
  /** `range`: the value of the header. */
  get(object: S3Object, range: string | undefined, how: Sending): Promise<S3Body>
  head(object: S3Object, how: Sending): Promise<S3Facts>
  put(key: string, body: Uint8Array, options: PutOptions, how: Sending): Promise<S3Answer>
  list(query: S3PageQuery, how: Sending): Promise<S3Page>
  delete(key: string, how: Sending): Promise<void>
}

/** What the bench of writers, its server and its clients tell each other. */
import type { S3Endpoint } from '../../test/support/minio.ts'
import type { Work } from '../support/in-child.ts'

export interface ServerJob {
  readonly kind: 'light' | 'minio'
}

/** `start`: count from now on, with this delay for every request. `stop`: say what was counted, and delay no more. */
export type ServerWord = { readonly ask: 'start'; readonly delayMs: number } | { readonly ask: 'stop' }

export interface ServerReady {
  readonly s3: S3Endpoint
}

export interface ServerCounts extends Work {
  readonly requests: Readonly<Record<string, number>>
}

/** A client's whole order, JSON in its argument; S3 comes by the AWS_ variables. */
export interface ClientJob {
  readonly library: string
  readonly location: string
  /** `create` the table and end, or `append`: open it, warm up, say ready, wait for a word, append, and report. */
  readonly action: 'create' | 'append' | 'read'
  readonly firstWriter: number
  /** Tasks (threads in Python) of this client, each with a table handle and a connection pool of its own. */
  readonly writers: number
  readonly appends: number
  /** Appends of each writer before the measured ones. */
  readonly warm: number
  /** For catalogs that are files of this machine. */
  readonly scratch: string
}

/**
 * What a client says at its end. Rows are `{ a: writer, b: number of the append }`; warm ones have a negative b, and `(a, b)` is folded
 * into one id for the judges by the reader.
 */
export interface ClientReport extends Partial<Work> {
  /** Milliseconds of each append that returned. */
  readonly times: readonly number[]
  readonly failed: number
  /** The first failure's text. */
  readonly failure?: string | undefined
}

/** What `read` says: every row of the table by the peer's own reader. */
export interface ClientRows {
  readonly rows: readonly (readonly [a: number, b: number])[]
}

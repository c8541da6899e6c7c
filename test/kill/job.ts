/** What the killer and its writers tell each other. */

/** `none`: no idempotency key. `one`: a key per append of one row. `many`: appends of some rows with a key for each row. */
export type Keys = 'none' | 'one' | 'many'

export interface WriterJob {
  readonly library: string
  readonly location: string
  readonly s3: object | undefined
  readonly journal: string
  readonly keys: Keys
  /** The first id of this writer; it may use `MAX_IDS` from there on. */
  readonly firstId: number
  /** Append until killed, or only settle what is open (keyed) and end. */
  readonly until: 'killed' | 'settled'
  /** The mean pause between two appends. */
  readonly pauseMs: number
}

/** `ready`: the table is open; `began`: the first append was acknowledged. */
export type WriterWord =
  | { readonly ready: true }
  | { readonly began: true }
  | { readonly settled: true }
  | { readonly error: string }

export const MAX_IDS = 1_000_000

/** From a location and options to a place: which store, under which prefix. */
import type { Place } from '../commit/place.ts'
import { invalid } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { describeValue } from '../spec/describe.ts'
import { openStore } from '../store/open.ts'
import type { S3Options } from '../store/open.ts'
import type { ObjectStore } from '../store/store.ts'
import { checkFunction } from './describe-change.ts'
import type { AppendEvent } from './telemetry.ts'

/** How to reach a location; shared by everything that opens a table. */
export interface OpenOptions {
  /** A store to use instead of the one that the location names; it stays open when the table is closed. */
  readonly store?: ObjectStore
  /** Overrides of what the environment says about S3. */
  readonly s3?: S3Options
  readonly signal?: AbortSignal | undefined
  /** A name for this writer, kept in the summary of each snapshot that it commits (`datashard.writer`). */
  readonly writer?: string
  /** Called when an append has ended, well or not, with what it cost: for a logger. What it throws is ignored. */
  readonly onAppend?: (event: AppendEvent) => void
  /** Clock and randomness; for simulations. */
  readonly runtime?: Runtime
}

export interface OpenedPlace {
  readonly place: Place
  readonly store: ObjectStore
  /** Whether the store was made here, and is to be closed with the table. */
  readonly ownsStore: boolean
}

/** @throws `invalid-argument` for callers without types, before anything is asked of the store. */
export function checkOpening({ writer, onAppend }: Pick<OpenOptions, 'writer' | 'onAppend'>): void {
  if (writer !== undefined && typeof writer !== 'string') invalid(`writer is ${describeValue(writer)}, expected a text`)
  if (onAppend !== undefined) checkFunction('onAppend', onAppend)
}

/** What says where a bucket is, beside `s3` instead of in it: nobody would look there, and the requests would go to AWS. */
function refuseMisplaced(location: string, options: OpenOptions): void {
  if (options.store !== undefined || options.s3 !== undefined || !/^s3[an]?:/.test(location)) return
  for (const name of ['endpoint', 'region', 'credentials', 'forcePathStyle'] satisfies (keyof S3Options)[]) {
    if ((options as Readonly<Record<string, unknown>>)[name] === undefined) continue
    invalid(`${name} is an option of s3: write { s3: { ${name} } }`, { option: name })
  }
}

export function openPlace(location: string, options: OpenOptions): OpenedPlace {
  checkOpening(options)
  refuseMisplaced(location, options)
  const runtime = options.runtime ?? systemRuntime
  const opened = openStore(location, {
    ...(options.store && { store: options.store }),
    ...(options.s3 && { s3: options.s3 }),
    runtime,
  })
  return {
    place: { store: opened.store, prefix: opened.prefix, location: opened.location, runtime },
    store: opened.store,
    ownsStore: options.store === undefined,
  }
}

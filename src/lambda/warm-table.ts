/**
 * The table, opened once and kept over the invocations of one instance: the first append of a warm function then needs no
 * request to find the head, and its connections are there.
 */
import { DataShardError, unlessAborted } from '../errors.ts'
import { createTable } from '../table/create.ts'
import { loadTable } from '../table/load.ts'
import type { OpenOptions } from '../table/open-place.ts'
import type { Table } from '../table/table.ts'
import type { AppendHandlerOptions, Settings, TableInput } from './options.ts'
import { asTable } from './options.ts'

export interface WarmTable {
  /** The table; opened by the first call, and by the next one if that failed. */
  open(signal?: AbortSignal): Promise<Table>
  /** What is open, if anything is. */
  readonly current: Table | undefined
  /** The table is not what it was (dropped, made anew): the next `open` begins again. False if it cannot be opened anew. */
  forget(): Promise<boolean>
}

export function warmTable(input: TableInput, create: AppendHandlerOptions['create'], settings: Settings): WarmTable {
  let opening: Promise<Table> | undefined
  let current: Table | undefined
  // The signal of one invocation must not end the handle that later ones use: it ends the wait only.
  const openNow = async (): Promise<Table> => {
    if (typeof input === 'function') return asTable(await input())
    if (typeof input !== 'string') return asTable(input)
    const how: OpenOptions = {
      ...(settings.s3 && { s3: settings.s3 }),
      ...(settings.store && { store: settings.store }),
      ...(settings.writer !== undefined && { writer: settings.writer }),
      runtime: settings.runtime,
    }
    return create === undefined ? loadTable(input, how) : createTable(input, { ...create, ...how, ifNotExists: true })
  }
  return {
    get current() {
      return current
    },
    async open(signal) {
      opening ??= openNow().then(
        (table) => (current = table),
        (error: unknown) => {
          opening = undefined
          throw error
        },
      )
      return signal === undefined ? opening : withinTime(opening, signal, 'opening the table')
    },
    async forget() {
      if (typeof input !== 'string' && typeof input !== 'function') return false
      const old = current
      opening = undefined
      current = undefined
      // What somebody else opened is theirs to close.
      if (typeof input === 'string') await old?.close().catch(() => undefined)
      return true
    },
  }
}

/** The same, but no longer than the invocation has time: what comes of it later is for whoever waits then. */
export function withinTime<T>(promise: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
  return unlessAborted(
    promise,
    signal,
    ({ reason }) =>
      new DataShardError('aborted', `${what} took longer than the invocation has time`, { cause: reason }),
  )
}

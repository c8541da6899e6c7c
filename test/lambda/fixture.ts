/** Handlers over a memory store, and the events that they are given. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SchemaInput, Table } from '../../src/index.ts'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import type { AppendHandlerOptions } from '../../src/lambda/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { faultyStore } from '../support/faulty-store.ts'

export const LOCATION = 'memory://store/events'
export const events = schema({ id: t.string, n: t.optional(t.long) })

export async function newTable(design: SchemaInput = events) {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: design, store })
  await table.close()
  return store
}

/** A handler of its own instance of the function. */
export function handlerOn(store: ObjectStore, options: Partial<AppendHandlerOptions> = {}) {
  return appendHandler({ table: LOCATION, store, metrics: false, logger: false, ...options })
}

export async function rowsIn(store: ObjectStore): Promise<Record<string, unknown>[]> {
  const table: Table = await loadTable(LOCATION, { store })
  const rows = await table.scan().toArray()
  return rows.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
}

export async function idsIn(store: ObjectStore): Promise<string[]> {
  return (await rowsIn(store)).map((row) => String(row['id']))
}

/** An event as a file of `events/` has it, anew each time. */
export function sample<T = Record<string, unknown>>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'events', `${name}.json`), 'utf8')) as T
}

/** What Lambda's context says. */
export function context(remainingMs = 30_000, awsRequestId = 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef') {
  const endMs = performance.now() + remainingMs
  return { awsRequestId, functionName: 'ingest', getRemainingTimeInMillis: () => endMs - performance.now() }
}

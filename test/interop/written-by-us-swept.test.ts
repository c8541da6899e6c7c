/** A table of which old versions, orphans and leftovers were swept away: every engine reads the rows that were appended. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import type { SweepResult } from '../../src/maintenance/index.ts'
import { sweep } from '../../src/maintenance/index.ts'
import type { Runtime } from '../../src/runtime.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { localStore } from '../../src/store/local.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask } from './ask.ts'
import { newPlace, once, type Place } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const WRITERS = 6
const ROUNDS = 8
const ALONE = 30
const ROWS = WRITERS * ROUNDS + ALONE
const rows = Array.from({ length: ROWS }, (_, n) => ({ n, text: n % 3 === 0 ? null : `row ${n}` }))
const PROPERTIES = {
  'datashard.retention.thin-from': '1',
  'datashard.retention.tail-min': '5',
  'datashard.retention.tail-max': '5',
}
const LATER_MS = 5 * 86_400_000

/** The store as it will be seen in some days. */
function later(path: string): { store: ObjectStore; runtime: Runtime } {
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() + LATER_MS }
  const inner = localStore(path, { runtime })
  return {
    store: new Proxy(inner, { get: (it, name) => (name === 'clockOffsetMs' ? () => 0 : bound(it, name)) }),
    runtime,
  }
}

function bound(store: ObjectStore, name: string | symbol): unknown {
  const value: unknown = Reflect.get(store, name)
  return typeof value === 'function' ? (value.bind(store) as unknown) : value
}

interface Swept extends Place {
  readonly result: SweepResult
}

const swept = once(async (_key: 'table'): Promise<Swept> => {
  const place = await newPlace('directory')
  const columns = schema({ n: t.int, text: t.optional(t.string) })
  await (await createTable(place.location, { schema: columns, properties: PROPERTIES })).close()
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => loadTable(place.location)))
  let next = 0
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(writers.map((writer) => writer.append([rows[next++]!])))
  }
  for (let i = 0; i < ALONE; i++) await writers[0]!.append([rows[next++]!])
  await Promise.all(writers.map((writer) => writer.close()))
  const result = await sweep(place.location, later(place.location))
  return { ...place, result }
})

test('much was deleted, and we read what was appended', async () => {
  const { location, result } = await swept('table')
  expect(result.versions.objects).toBeGreaterThan(10)
  expect(result.orphans.objects).toBeGreaterThan(10)
  expect(await readdir(join(location, 'metadata'))).not.toContain('v1.metadata.json')
  await using table = await loadTable(location)
  expect(await table.scan().count()).toBe(ROWS)
})

describe.each(ENGINES)('swept by us > %s', (engine) => {
  test('all rows', { timeout: 120_000 }, async (context) => {
    const { given, right } = await ask(judges, engine, context, await swept('table'), { rows })
    expect(given).toEqual(right)
  })
})

/**
 * Loads beforehand what the library loads lazily. That takes real time, which no virtual clock knows of; once it is there,
 * asking for it takes microtasks only.
 */
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadZstd } from '../../src/codec/zstd.ts'

/** This is real time, and the machine may be busy. */
const PATIENT = { timeoutMs: 600_000 }

let warm: Promise<void> | undefined
let keys: Promise<boolean> | undefined

export function warmed(): Promise<void> {
  warm ??= warmUp()
  return warm
}

/** Whether this version of the library knows idempotency keys; one that does not says so before it writes anything. */
export function takesKeys(): Promise<boolean> {
  keys ??= askForKeys()
  return keys
}

async function askForKeys(): Promise<boolean> {
  const table = await newTable()
  try {
    await table.append([{ id: 1, shard: 1 }], { idempotencyKey: 'asked', ...PATIENT })
    return true
  } catch (error) {
    if (DataShardError.is(error, 'unsupported')) return false
    throw error
  }
}

function newTable() {
  const store = memoryStore({ name: 'warm' })
  return createTable('memory://warm/t', { store, schema: schema({ id: t.int, shard: t.int }) })
}

async function warmUp(): Promise<void> {
  await loadZstd()
  const table = await newTable()
  await table.append([{ id: 1, shard: 1 }], PATIENT)
  await table.scan().toArray()
  await table.close()
}

/**
 * Loads beforehand what the library loads lazily. That takes real time, which no virtual clock knows of; once it is there,
 * asking for it takes microtasks only.
 */
import { schema, t } from '../../src/spec/builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadZstd } from '../../src/codec/zstd.ts'

let warm: Promise<void> | undefined

export function warmed(): Promise<void> {
  warm ??= warmUp()
  return warm
}

async function warmUp(): Promise<void> {
  await loadZstd()
  const table = await createTable('memory://warm/t', {
    store: memoryStore({ name: 'warm' }),
    schema: schema({ id: t.int, shard: t.int }),
  })
  await table.append([{ id: 1, shard: 1 }])
  await table.scan().toArray()
  await table.close()
}

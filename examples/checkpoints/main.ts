/** A pipeline that crashes and goes on where it was: rows and the offset they were read up to are committed together, or not at all. */
import { createTable, loadTable, schema, t } from 'datashard'

const location = process.argv[2] ?? './checkpoints-table'
const BATCH_ROWS = 100
const OFFSET = 'pipeline.offset'
/** Stands for a log, a topic or a directory that is read in order. */
const source = Array.from({ length: 1_000 }, (_, index) => ({ id: index, value: `v${index}` }))

await (await createTable(location, { schema: schema({ id: t.long, value: t.string }), ifNotExists: true })).close()

/** One life of the pipeline. `crashAt` is where it dies: before the commit of that batch, or right after it. */
async function run(crashAt?: { readonly offset: number; readonly when: 'before' | 'after' }): Promise<void> {
  await using table = await loadTable(location)
  let offset = Number(table.properties[OFFSET] ?? 0)
  console.log(`starts at ${offset}`)
  while (offset < source.length) {
    const rows = source.slice(offset, offset + BATCH_ROWS)
    const tx = table.newTransaction()
    await tx.append(rows)
    tx.setProperties({ [OFFSET]: String(offset + rows.length) })
    if (crashAt?.offset === offset && crashAt.when === 'before') throw new Error('crash before the commit')
    await tx.commit()
    if (crashAt?.offset === offset) throw new Error('crash after the commit')
    offset += rows.length
  }
}

for (const crashAt of [
  { offset: 300, when: 'before' },
  { offset: 600, when: 'after' },
] as const) {
  await run(crashAt).catch((error: Error) => console.log(error.message))
}
await run()

await using table = await loadTable(location)
const ids = new Set((await table.scan({ select: ['id'] }).toArray()).map((row) => Number(row['id'])))
console.log(`${await table.scan().count()} rows, ${ids.size} different ones, offset ${table.properties[OFFSET]}`)

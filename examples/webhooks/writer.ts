/**
 * One writer process: appends its share of the deliveries, each as an append of its own, as a function that is called once
 * per delivery would. It knows nothing of the other writers. When it is started again after it was killed it asks the table
 * what of its share is there, because the answer to its last append may never have reached it.
 */
import { eq, loadTable } from 'datashard'
import { demoLocation, WRITERS } from './table.ts'
import { readDeliveries } from './deliveries.ts'

const index = Number(process.argv[2])
const name = `writer-${index}`

await using table = await loadTable(demoLocation(), { writer: name })
const share = readDeliveries().filter((delivery) => delivery.id % WRITERS === index)

const done = new Set<number>()
for await (const row of table.scan({ select: ['id'], where: eq('writer', name) })) done.add(row['id'] as number)
process.send?.({ kind: 'started', alreadyThere: done.size, share: share.length })

for (const delivery of share) {
  if (done.has(delivery.id)) continue
  const { version, stats } = await table.append([{ ...delivery, receivedAt: new Date(), writer: name }], {
    timeoutMs: 120_000,
  })
  process.send?.({ kind: 'appended', version, byOther: stats?.by === 'other-fold' })
}
process.disconnect?.()

/** Training metrics of runs that go on in parallel, and the table as it was after an epoch. */
import { createTable, schema, t } from 'datashard'

const location = process.argv[2] ?? './ml-metrics-table'
const RUNS = ['lr-0.1', 'lr-0.01', 'lr-0.001']
const EPOCHS = 4

await using metrics = await createTable(location, {
  schema: schema({ run: t.string, epoch: t.int, loss: t.double, accuracy: t.double }),
  ifNotExists: true,
})

/** Stands for a training step; a real one is a process of its own with a handle of its own. */
async function train(run: string, epoch: number): Promise<void> {
  const loss = Number(run.slice(3)) + 1 / epoch
  await metrics.append([{ run, epoch, loss, accuracy: 1 - loss / 4 }], { idempotencyKey: `${run}/${epoch}` })
}

for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  await Promise.all(RUNS.map((run) => train(run, epoch)))
  await metrics.refresh()
  // A name for this state: it can be read as long as the tag is there, whatever is appended or expired later.
  await metrics.transaction((tx) => tx.setTag(`epoch-${epoch}`))
}

await metrics.refresh()
const best = async (name: string) => {
  const rows = await metrics.timeTravel({ ref: name }).scan().toArray()
  const { run, epoch, loss } = rows.toSorted((a, b) => a.loss - b.loss)[0]!
  return { rows: rows.length, run, epoch, loss }
}
console.log('after epoch 2', await best('epoch-2'))
console.log('now', await best('epoch-4'))

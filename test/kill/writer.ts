/**
 * A process that appends until it is killed. Before each append it notes the ids in its journal, afterwards what became of them; started
 * again with keys, it first appends again what is open, under the same keys.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { jobOf, loadLibrary, say, told } from '../../bench/support/in-child.ts'
import { MAX_IDS, type WriterJob } from './job.ts'
import { openIds, openJournal, readJournals } from './journal.ts'

/** Rows of an append in mode `many`. */
const BATCH = 3
/** Tries of one append, or of opening the table, before this process gives up: more than any chaos of the tests lasts. */
const MAX_TRIES = 30

const job = jobOf<WriterJob>()
void (async () => {
  for await (const _ of told()); // ends this process with its parent
})()
const { DataShardError, loadTable } = await loadLibrary(job.library)
const journal = openJournal(job.journal)
const before = readJournals([job.journal])
let nextId = Math.max(job.firstId - 1, ...before.intended) + 1
const open = job.keys === 'none' ? [] : openIds(before)

try {
  const table = await persist(() => loadTable(job.location, job.s3 ? { s3: job.s3 } : {}))
  type Append = Parameters<typeof table.append>

  const appendKeyed = async (ids: readonly number[]): Promise<void> => {
    const rows: Append[0] = ids.map((id) => ({ id: BigInt(id), payload: `row ${id}` }))
    if (job.keys === 'none') return appendOnce(ids, () => table.append(rows))
    const keys = ids.map((id) => `row ${id}`)
    const options: Append[1] = job.keys === 'one' ? { idempotencyKey: keys[0]! } : { idempotencyKeys: keys }
    const { replayed, replayedKeys } = await persist(() => table.append(rows, options))
    const again = ids.filter((id) => replayed || replayedKeys.includes(`row ${id}`))
    journal.note('replayed', again)
    journal.note('acknowledged', ids)
  }

  let began = false
  const append = async (ids: readonly number[]): Promise<void> => {
    await appendKeyed(ids)
    if (!began) say({ began: true })
    began = true
  }

  say({ ready: true })
  // Old and new in one batch, too: what is there already is dropped from it, and the rest is not.
  while (open.length > 0)
    await appendNew(append, open.splice(0, job.keys === 'one' ? 1 : BATCH - 1), job.keys === 'many' ? 1 : 0)
  while (job.until === 'killed') {
    if (job.pauseMs > 0) await sleep(Math.random() * 2 * job.pauseMs)
    await appendNew(append, [], job.keys === 'many' ? BATCH : 1)
  }
  await table.close()
  say({ settled: true })
  process.exit(0)
} catch (error) {
  say({ error: error instanceof Error ? (error.stack ?? String(error)) : String(error) })
  process.exit(1)
}

async function appendNew(append: (ids: readonly number[]) => Promise<void>, old: readonly number[], count: number) {
  const fresh = Array.from({ length: count }, () => nextId++)
  if (nextId >= job.firstId + MAX_IDS) throw new Error('this writer has used up its ids')
  journal.note('intended', fresh)
  await append([...old, ...fresh])
}

/** Without a key nobody may try twice: a failure is noted for what it says it is, and the id is done with. */
async function appendOnce(ids: readonly number[], attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt()
    journal.note('acknowledged', ids)
  } catch (error) {
    if (!DataShardError.is(error) || !(error.retryable || error.code === 'commit-unknown')) throw error
    if (error.committed === 'no') journal.note('refused', ids)
  }
}

/** With a key, and where nothing is changed: again until it works, as long as the error says that it may. */
async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!DataShardError.is(error) || !error.retryable || tries >= MAX_TRIES) throw error
      await sleep(100)
    }
  }
}

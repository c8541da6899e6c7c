/** One million rows to a table in a directory, or back: `append`, `stream`, `read-rows`, `read-arrow`. Prints JSON. */
import { rm } from 'node:fs/promises'
import { createTable, loadTable } from '../../dist/index.js'
import { streamTaskLogs, TASK_LOGS, taskLogs } from '../task-logs.mjs'
import { timeReads } from './time-reads.mjs'

const [location, mode, count] = process.argv.slice(2)
const rows = Number(count)

async function append(input) {
  await rm(location, { recursive: true, force: true })
  const table = await createTable(location, { schema: TASK_LOGS })
  const started = performance.now()
  await table.append(input)
  const appendMs = Math.round(performance.now() - started)
  await table.close()
  return { appendMs, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }
}

async function read(what) {
  const table = await loadTable(location)
  return timeReads(rows, async () =>
    what === 'rows' ? (await table.scan().toArray()).length : (await table.scan().toArrow()).numRows,
  )
}

const figures = {
  append: () => append(taskLogs(rows)),
  stream: () => append(streamTaskLogs(rows)),
  'read-rows': () => read('rows'),
  'read-arrow': () => read('arrow'),
}
console.log(JSON.stringify(await figures[mode]()))

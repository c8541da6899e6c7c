/** One million rows to a table in a directory and back, by DataShard: as rows, as a stream, to Arrow. Prints JSON. */
import { rm } from 'node:fs/promises'
import { createTable } from '../../dist/index.js'
import { streamTaskLogs, TASK_LOGS, taskLogs } from '../task-logs.mjs'

const [location, mode = 'rows', count = '1000000'] = process.argv.slice(2)
const rows = Number(count)
await rm(location, { recursive: true, force: true })
const table = await createTable(location, { schema: TASK_LOGS })
const figures = {}

const input = mode === 'stream' ? streamTaskLogs(rows) : taskLogs(rows)
let started = performance.now()
await table.append(input)
figures.appendMs = Math.round(performance.now() - started)
figures.appendPeakMb = Math.round(process.resourceUsage().maxRSS / 1024)

if (mode === 'rows') {
  started = performance.now()
  const back = await table.scan().toArray()
  figures.readRowsMs = Math.round(performance.now() - started)
  if (back.length !== rows) throw new Error(`${back.length} rows came back`)
  back.length = 0
  started = performance.now()
  const arrow = await table.scan().toArrow()
  figures.readArrowMs = Math.round(performance.now() - started)
  if (arrow.numRows !== rows) throw new Error(`${arrow.numRows} Arrow rows came back`)
  figures.peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
}
await table.close()
console.log(JSON.stringify(figures))

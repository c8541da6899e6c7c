/** The same by icebird: `ICEBIRD` names its module when it is not the installed package. Prints JSON. */
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TASK_LOGS, taskLogs } from '../task-logs.mjs'

const icebird = await import(process.env.ICEBIRD ?? 'icebird')
if (!icebird.icebergAppend) throw new Error('this icebird cannot append')
const { ByteWriter } = await import(process.env.HYPARQUET_WRITER ?? 'hyparquet-writer')
const [location, count = '1000000'] = process.argv.slice(2)
const rows = Number(count)
await rm(location, { recursive: true, force: true })

const asyncBuffer = async (path) => {
  const bytes = await readFile(path)
  return { byteLength: bytes.length, slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer }
}
const resolver = {
  reader: asyncBuffer,
  writer(path, options = {}) {
    const writer = new ByteWriter()
    writer.finish = async () => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, new Uint8Array(writer.getBuffer()), { flag: options.ifNoneMatch ? 'wx' : 'w' })
      const file = await open(path)
      await file.sync()
      await file.close()
    }
    return writer
  },
}
const catalog = icebird.fileCatalog({ resolver, conditionalCommits: true })
await icebird.icebergCreateTable({ catalog, tableUrl: location, schema: TASK_LOGS })
const figures = {}
const records = taskLogs(rows, BigInt)
let started = performance.now()
await icebird.icebergAppend({ catalog, tableUrl: location, records })
figures.appendMs = Math.round(performance.now() - started)
figures.appendPeakMb = Math.round(process.resourceUsage().maxRSS / 1024)
started = performance.now()
const back = await icebird.icebergRead({ tableUrl: location, resolver })
figures.readRowsMs = Math.round(performance.now() - started)
if (back.length !== rows) throw new Error(`${back.length} rows came back`)
figures.peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(JSON.stringify(figures))

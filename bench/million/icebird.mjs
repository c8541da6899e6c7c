/** The same by icebird, `append` or `read-rows`: `ICEBIRD` names its module when it is not the installed package. Prints JSON. */
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TASK_LOGS, taskLogs } from '../task-logs.mjs'
import { timeReads } from './time-reads.mjs'

const icebird = await import(process.env.ICEBIRD ?? 'icebird')
if (!icebird.icebergAppend) throw new Error('this icebird cannot append')
const { ByteWriter } = await import(process.env.HYPARQUET_WRITER ?? 'hyparquet-writer')
const [location, mode, count] = process.argv.slice(2)
const rows = Number(count)

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

async function append() {
  await rm(location, { recursive: true, force: true })
  const catalog = icebird.fileCatalog({ resolver, conditionalCommits: true })
  await icebird.icebergCreateTable({ catalog, tableUrl: location, schema: TASK_LOGS })
  const records = taskLogs(rows, BigInt)
  const started = performance.now()
  await icebird.icebergAppend({ catalog, tableUrl: location, records })
  const appendMs = Math.round(performance.now() - started)
  return { appendMs, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }
}

const read = async () => (await icebird.icebergRead({ tableUrl: location, resolver })).length
console.log(JSON.stringify(mode === 'append' ? await append() : await timeReads(rows, read)))

/**
 * 12 processes x 10,000 appends of one row to a directory, judged by another engine: `npm run stress`; on MinIO
 * `npm run stress -- --store minio --operations 500`. Exit 1 if a row was lost or doubled, or an append failed.
 */
import { parseArgs } from 'node:util'
import { ENGINES, type EngineName } from '../../test/judges/judges.ts'
import { buildLibrary } from '../support/built.ts'
import { givenPlace, localPlace, s3Place, type TablePlace } from '../support/places.ts'
import { printSummary, summarize } from './report.ts'
import { runStress } from './stress.ts'

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '12' },
    operations: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '32' },
    store: { type: 'string', default: 'local' },
    location: { type: 'string' },
    judges: { type: 'string', default: 'duckdb' },
    'timeout-ms': { type: 'string', default: '600000' },
    json: { type: 'boolean', default: false },
  },
})

function count(name: 'processes' | 'operations' | 'concurrency' | 'timeout-ms'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is ${values[name]}, expected a number above 0`)
  return value
}

const judges = values.judges.split(',') as EngineName[]
const unknown = judges.filter((name) => !ENGINES.includes(name))
if (unknown.length > 0) throw new Error(`no such judge: ${unknown.join(', ')}; there are ${ENGINES.join(', ')}`)

await using built = await buildLibrary()
await using place = await placeOf()
console.error(`${values.processes} processes x ${values.operations} appends, ${place.name}`)
let shownMs = Date.now()
const result = await runStress(built, place, {
  processes: count('processes'),
  operations: count('operations'),
  concurrency: count('concurrency'),
  timeoutMs: count('timeout-ms'),
  judges,
  onProgress: (done, total) => {
    if (Date.now() - shownMs < 10_000) return
    shownMs = Date.now()
    console.error(`  ${done} of ${total}`)
  },
})
const summary = summarize(result)
if (values.json) console.log(JSON.stringify(summary))
else printSummary(summary)
process.exitCode = summary.good ? 0 : 1

function placeOf(): Promise<TablePlace> | TablePlace {
  if (values.location !== undefined) return givenPlace(values.location)
  if (values.store === 'local') return localPlace(built.directory)
  if (values.store === 'minio') return s3Place()
  throw new Error(`--store is ${values.store}, expected local or minio`)
}

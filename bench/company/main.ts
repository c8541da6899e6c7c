/**
 * Another engine among our writers: `npm run bench:company`. 16 of ours append without a pause to a table on MinIO while icebird commits to
 * it ten times; both must get through, and pyiceberg must find every row. `ICEBIRD` names icebird's module (0.8 or later, which can append).
 * Options: `--writers 16 --commits 10 --delay-ms 0 --json`. Exit 1 if a commit failed, or a row is missing or twice there.
 */
import { parseArgs } from 'node:util'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { startJudges } from '../../test/judges/judges.ts'
import { startDelayProxy } from '../../test/support/delay-proxy.ts'
import { startS3 } from '../../test/support/minio.ts'
import { minioClient, s3Environment } from '../../test/support/tables.ts'
import { figure, quantile } from '../support/figures.ts'

/** `a` of icebird's rows: no writer of ours has it. */
const STRANGER = 1_000_000n

interface Icebird {
  readonly icebergAppend?: (append: object) => Promise<unknown>
  readonly s3SignedResolver: (options: object) => object
  readonly fileCatalog: (options: object) => object
}

const { values } = parseArgs({
  options: {
    writers: { type: 'string', default: '16' },
    commits: { type: 'string', default: '10' },
    'delay-ms': { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
})
const icebird = (await import(process.env['ICEBIRD'] ?? 'icebird')) as Icebird
const { icebergAppend } = icebird
if (!icebergAppend) throw new Error('this icebird cannot append: let ICEBIRD name the module of 0.8 or later')

const minio = await startS3()
const proxy = await startDelayProxy(minio.endpoint, Number(values['delay-ms']))
const s3 = { ...minio, endpoint: proxy.endpoint }
Object.assign(process.env, s3Environment(s3))
await minioClient(minio).makeBucket('company')
const location = `s3://company/t-${Date.now()}`
await (await createTable(location, { schema: schema({ a: t.long, b: t.long }) })).close()

const run = { isOver: false }
const oursMs: number[] = []
const ours = Array.from({ length: Number(values.writers) }, async (_, writer) => {
  const table = await loadTable(location)
  for (let b = 0n; !run.isOver; b++) {
    const startedMs = performance.now()
    await table.append([{ a: BigInt(writer), b }])
    oursMs.push(performance.now() - startedMs)
  }
  await table.close()
})
const { accessKeyId, secretAccessKey, region, endpoint } = s3
const resolver = icebird.s3SignedResolver({ accessKeyId, secretAccessKey, region, endpoint, pathStyle: true })
const catalog = icebird.fileCatalog({ resolver, conditionalCommits: true })
const theirsMs: number[] = []
const failures: string[] = []
const beganMs = performance.now()
for (let b = 0n; b < BigInt(values.commits); b++) {
  const startedMs = performance.now()
  try {
    // By s3: it writes whatever scheme it is given into the table, and no other engine follows http.
    await icebergAppend({ catalog, tableUrl: location, records: [{ a: STRANGER, b }] })
    theirsMs.push(performance.now() - startedMs)
  } catch (error) {
    failures.push(String(error))
  }
  console.error(`icebird's commit ${b + 1n} of ${values.commits}: ${figure(performance.now() - startedMs)} ms`)
}
run.isOver = true
await Promise.all(ours)
const seconds = (performance.now() - beganMs) / 1_000

const judges = await startJudges(['pyiceberg'])
const rows = await judges.read('pyiceberg', { location, s3: minio, columns: ['a', 'b'] })
await judges.stop()
const distinct = new Set(rows.map(({ a, b }) => `${a} ${b}`)).size
const expected = oursMs.length + theirsMs.length
const figures = (times: readonly number[]) => ({
  commits: times.length,
  p50Ms: quantile(times, 0.5),
  p99Ms: quantile(times, 0.99),
})
const result = {
  seconds,
  ours: { ...figures(oursMs), perSecond: oursMs.length / seconds },
  icebird: figures(theirsMs),
  failures,
  lost: expected - distinct,
  doubled: rows.length - distinct,
}
console.log(values.json ? JSON.stringify(result) : result)
process.exit(failures.length + result.lost + result.doubled === 0 ? 0 : 1)

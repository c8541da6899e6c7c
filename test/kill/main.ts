/**
 * 1,000 kills -9 at random moments: `npm run test:kill`. Exit 1 if a row was lost or doubled, or the table could not be read at any
 * moment. `--where local,s3,chaos --keys none,one,many --kills 1000 --per-table 100 --slots 4 --seed 1 --json`.
 */
import { parseArgs } from 'node:util'
import { buildLibrary } from '../../bench/support/built.ts'
import { textTable } from '../../bench/support/figures.ts'
import { startJudges, type EngineName } from '../judges/judges.ts'
import { startS3 } from '../support/minio.ts'
import type { Keys } from './job.ts'
import { KEYS, killOne, planKills, WHERE, type KillReport, type Where } from './plan.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    'per-table': { type: 'string', default: '100' },
    slots: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    where: { type: 'string', default: WHERE.join(',') },
    keys: { type: 'string', default: KEYS.join(',') },
    engines: { type: 'string', default: 'pyiceberg,duckdb' },
    'mean-life-ms': { type: 'string', default: '1200' },
    'pause-ms': { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
})

function among<T extends string>(option: 'where' | 'keys', known: readonly T[]): T[] {
  const wanted = values[option].split(',')
  const strange = wanted.find((one) => !known.includes(one as T))
  if (strange !== undefined) throw new Error(`--${option} has '${strange}', expected some of ${known.join(', ')}`)
  return wanted as T[]
}

const plan = planKills(Number(values.kills), {
  where: among<Where>('where', WHERE),
  keys: among<Keys>('keys', KEYS),
  perTable: Number(values['per-table']),
  seed: Number(values.seed),
})
const options = {
  slots: Number(values.slots),
  meanLifeMs: Number(values['mean-life-ms']),
  pauseMs: Number(values['pause-ms']),
}
await using built = await buildLibrary()
const s3 = await startS3()
const judges = await startJudges(values.engines.split(',') as EngineName[])
const reports: KillReport[] = []
try {
  for (const planned of plan) {
    console.error(`${planned.kills} kills, ${planned.where}, keys: ${planned.keys}, seed ${planned.seed}`)
    const report = await killOne(planned, { built, judges, s3 }, options)
    for (const problem of report.problems) console.error(`  ${problem}`)
    reports.push(report)
  }
} finally {
  await judges.stop()
  await s3.stop()
}
if (values.json) console.log(JSON.stringify(reports))
else print(reports)
const kills = reports.reduce((sum, report) => sum + report.kills, 0)
const problems = reports.reduce((sum, report) => sum + report.problems.length, 0)
console.error(`${kills} kills, ${problems} problems`)
process.exitCode = problems === 0 && kills === Number(values.kills) ? 0 : 1
// Connections that the broken proxy still holds do not keep a run from ending.
setTimeout(() => process.exit(), 5_000).unref()

function print(all: readonly KillReport[]): void {
  console.log(
    textTable(
      all.map(
        ({
          where,
          keys,
          kills,
          acknowledged,
          interrupted,
          landed,
          refused,
          versions,
          reads,
          hintRaces,
          chaos,
          problems,
        }) => ({
          where,
          keys,
          kills,
          acknowledged,
          interrupted,
          landed,
          refused,
          versions,
          reads: Object.values(reads).reduce((sum, one) => sum + one, 0),
          'hint races': hintRaces,
          chaos: Object.values(chaos ?? {}).reduce((sum, one) => sum + one, 0),
          problems: problems.length,
        }),
      ),
    ),
  )
}

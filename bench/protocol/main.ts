/**
 * The protocol without the machine: `npm run bench:protocol`. Writers on a virtual clock, where a request takes about 40 ms and work takes
 * no time (`test/simulation/throughput.ts`): what it shows above `npm run bench:writers` is what the machine of that run did not give.
 * Options: `--writers 1,2,4,16,64,256 --appends 5 --warm 2 --delay-ms 40 --seeds 8 --json`. Exit 1 if a row was lost or doubled.
 */
import { parseArgs } from 'node:util'
import { measureThroughput, type Throughput } from '../../test/simulation/throughput.ts'
import { figure, mean, quantile, textTable } from '../support/figures.ts'

const { values } = parseArgs({
  options: {
    writers: { type: 'string', default: '1,2,4,16,64,256' },
    appends: { type: 'string', default: '5' },
    warm: { type: 'string', default: '2' },
    'delay-ms': { type: 'string', default: '40' },
    seeds: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
})
const requestMs = Number(values['delay-ms'])
const lines: ReturnType<typeof lineOf>[] = []
for (const writers of values.writers.split(',').map(Number)) {
  const runs: Throughput[] = []
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    console.error(`${writers} writers, seed ${seed} of ${values.seeds}`)
    const counts = { appends: Number(values.appends), warm: Number(values.warm) }
    runs.push(await measureThroughput({ seed, writers, requestMs, ...counts }))
  }
  lines.push(lineOf(writers, runs))
}
if (values.json) console.log(JSON.stringify(lines))
else print()
process.exitCode = lines.every(({ lost, doubled }) => lost + doubled === 0) ? 0 : 1

/** All appends of all seeds together; the rates are those of the seeds. */
function lineOf(writers: number, runs: readonly Throughput[]) {
  const times = runs.flatMap(({ timesMs }) => timesMs)
  const rates = runs.map(({ appendsPerSecond }) => appendsPerSecond)
  return {
    writers,
    appendsPerSecond: mean(rates),
    slowest: quantile(rates, 0),
    fastest: quantile(rates, 1),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    worstMs: quantile(times, 1),
    requestsPerAppend: mean(runs.map(({ requestsPerAppend }) => requestsPerAppend)),
    appendsPerVersion: mean(runs.map(({ timesMs, versions }) => timesMs.length / versions)),
    lost: runs.reduce((sum, { lost }) => sum + lost, 0),
    doubled: runs.reduce((sum, { doubled }) => sum + doubled, 0),
  }
}

function print(): void {
  const rows = lines.map((line) => ({
    writers: line.writers,
    'appends/s': line.appendsPerSecond,
    'of seeds': `${figure(line.slowest)} to ${figure(line.fastest)}`,
    'p50 ms': line.p50Ms,
    'p99 ms': line.p99Ms,
    'worst ms': line.worstMs,
    'requests/append': line.requestsPerAppend,
    'appends/version': line.appendsPerVersion,
    lost: line.lost,
    doubled: line.doubled,
  }))
  console.log(textTable(rows))
}

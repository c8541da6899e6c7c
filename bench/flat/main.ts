/**
 * Appends stay as cheap as they were: `npm run bench:flat`, until commit 10,000. Exit 1 when at the last milestone an append takes more
 * than 1.2 times the time or the requests of the first, when the newest version file is above the bound, or when the last milestone was
 * not reached. Options: `--store memory|local`, `--commits 10,100,1000,10000`, `--delay-ms 40`, `--metadata-kb 512`, `--limit-s 600`, `--json`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildLibrary } from '../support/built.ts'
import { figure, textTable } from '../support/figures.ts'
import { runFlat, type Milestone } from './flat.ts'

const ALLOWED = 1.2

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'memory' },
    commits: { type: 'string', default: '10,100,1000,10000' },
    'delay-ms': { type: 'string', default: '40' },
    'metadata-kb': { type: 'string', default: '512' },
    'limit-s': { type: 'string', default: '600' },
    json: { type: 'boolean', default: false },
  },
})
const milestones = values.commits.split(',').map(Number)
await using built = await buildLibrary()
const reached = await runFlat({
  library: built.library,
  directory: values.store === 'local' ? join(built.directory, 'table') : undefined,
  milestones,
  delayMs: Number(values['delay-ms']),
  limitMs: Number(values['limit-s']) * 1_000,
  onMilestone: ({ commit, p50Ms }) => console.error(`  commit ${commit}: ${figure(p50Ms)} ms`),
})
const [first, last] = [reached[0], reached.at(-1)]
const ratios = first &&
  last && {
    time: last.p50Ms / first.p50Ms,
    requests: last.requestsPerAppend / first.requestsPerAppend,
    cpu: last.cpuMs / first.cpuMs,
    bytes: last.bytesPerAppend / first.bytesPerAppend,
  }
if (values.json) console.log(JSON.stringify({ milestones: reached, ratios }))
else print(reached)
// Bytes and CPU grow with the snapshots that the metadata lists, until retention holds them: their bound is the metadata's.
const flat = ratios !== undefined && ratios.time <= ALLOWED && ratios.requests <= ALLOWED
const bounded = last !== undefined && last.metadataBytes <= Number(values['metadata-kb']) * 1_000
process.exitCode = flat && bounded && reached.length === milestones.length ? 0 : 1

function print(all: readonly Milestone[]): void {
  console.log(
    textTable(
      all.map((one) => ({
        commit: one.commit,
        'p50 ms': one.p50Ms,
        'CPU ms': one.cpuMs,
        requests: one.requestsPerAppend,
        'kB per append': one.bytesPerAppend / 1_000,
        'metadata kB': one.metadataBytes / 1_000,
        manifests: one.manifests,
        snapshots: one.snapshots,
      })),
    ),
  )
  if (ratios) {
    const text = Object.entries(ratios).map(([name, ratio]) => `${name} ${figure(ratio)}`)
    console.log(`the last milestone to the first: ${text.join(', ')}`)
  }
  if (all.length < milestones.length)
    console.log(`commit ${milestones[all.length]} was not reached in ${values['limit-s']} s`)
}

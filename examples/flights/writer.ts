/** One of the batch processes: reads its quarter of the file as Arrow record batches and appends it. */
import { readFile } from 'node:fs/promises'
import { tableFromIPC } from 'apache-arrow'
import { readParquet } from 'parquet-wasm'
import { loadTable } from 'datashard'
import { FLIGHTS_FILE, flightsLocation, WRITERS } from './flights.ts'

const index = Number(process.argv[2])
const all = tableFromIPC(readParquet(new Uint8Array(await readFile(FLIGHTS_FILE))).intoIPCStream())
const share = Math.ceil(all.numRows / WRITERS)
const mine = all.slice(index * share, Math.min((index + 1) * share, all.numRows))

await using table = await loadTable(flightsLocation(), { writer: `batch-${index}` })
const { rows, version } = await table.append(mine)
process.send?.({ rows, version })
process.disconnect?.()

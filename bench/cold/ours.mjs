/** Cold start: process start to the first committed append, on a directory. Prints the milliseconds since the process began. */
import { loadTable } from '../../dist/index.js'

const table = await loadTable(process.argv[2])
await table.append([{ a: 1n, b: 2n }])
const sinceStart = performance.now()
await table.close()
console.log(JSON.stringify(sinceStart))

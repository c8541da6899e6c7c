/** One warm writer, one row per append. Prints the milliseconds of each append as JSON. */
import { createTable } from '../../dist/index.js'

const [location, count] = process.argv.slice(2)
const schema = {
  fields: [
    { id: 1, name: 'a', type: 'long', required: true },
    { id: 2, name: 'b', type: 'long', required: true },
  ],
}
const table = await createTable(location, { schema, skipProbe: true })
const row = { a: 1n, b: 2n }
for (let warm = 0; warm < 3; warm++) await table.append([row])
await table.flush()
process.send?.('warm')
const times = []
for (let i = 0; i < Number(count); i++) {
  const started = performance.now()
  await table.append([row])
  times.push(performance.now() - started)
  // A caller that does something in between: the hint must not be in the way of the next append.
  await table.flush()
}
await table.close()
console.log(JSON.stringify(times))

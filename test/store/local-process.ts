/**
 * A process of its own on a local store, for the tests that need several. `race DIR NAME KEYS`: says `ready`, waits for a
 * line, creates each key with its name as content, prints the keys it won. `write DIR NAME`: creates objects of 300 KB
 * until it is killed, and prints each key once it was acknowledged.
 */
import { once } from 'node:events'
import { localStore } from '../../src/store/local.ts'

const [task, directory, name = '', keys = '0'] = process.argv.slice(2)
const store = localStore(directory!)

if (task === 'race') {
  console.log('ready')
  await once(process.stdin, 'data')
  const won: string[] = []
  for (let key = 0; key < Number(keys); key++) {
    const result = await store.put(`race/${key}`, new TextEncoder().encode(name), { mode: 'create' })
    if (result.outcome === 'written') won.push(`race/${key}`)
  }
  console.log(JSON.stringify(won))
  process.stdin.destroy()
} else {
  for (let i = 0; ; i++) {
    const key = `kill/${name}-${i}`
    const result = await store.put(key, new Uint8Array(300_000).fill(i % 251), { mode: 'create' })
    if (result.outcome === 'written') console.log(key)
  }
}

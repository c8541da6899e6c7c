/**
 * A process of its own on a local store, for the tests that need several. `race DIR NAME`: says `ready`; creates each key
 * that it reads from a line, with its name as content, and prints the outcome. `write DIR NAME`: creates objects of 300 KB
 * until it is killed, and prints each key once it was acknowledged.
 */
import { createInterface } from 'node:readline'
import { localStore } from '../../src/store/local.ts'

const [task, directory, name = ''] = process.argv.slice(2)
const store = localStore(directory!)

if (task === 'race') {
  console.log('ready')
  for await (const key of createInterface({ input: process.stdin })) {
    const result = await store.put(key, new TextEncoder().encode(name), { mode: 'create' })
    console.log(result.outcome)
  }
} else {
  for (let i = 0; ; i++) {
    const key = `kill/${name}-${i}`
    const result = await store.put(key, new Uint8Array(300_000).fill(i % 251), { mode: 'create' })
    if (result.outcome === 'written') console.log(key)
  }
}

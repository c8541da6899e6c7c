/**
 * `npm run local:event [FILE]`: gives the function an event. A `.json` file is the event itself, and goes to the bundled handler in a
 * process of its own, as to an instance that starts cold; anything else is the body of a request to the function URL.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadFunction } from './invoke.ts'
import { environmentOf, readState } from './state.ts'

const file = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'events', 'queue.json')
const state = await readState()
if (state === undefined) throw new Error('nothing is running: npm run local:up')
const content = await readFile(file, 'utf8')
const startMs = performance.now()
const answer = file.endsWith('.json') ? await invokeCold(content, state) : await post(content, state.function.endpoint)
console.log(JSON.stringify(answer))
console.error(`${Math.round(performance.now() - startMs)} ms`)

async function invokeCold(event: string, { minio, bundle }: NonNullable<typeof state>): Promise<unknown> {
  Object.assign(process.env, environmentOf(minio.endpoint))
  const invoke = await loadFunction(bundle)
  return invoke(JSON.parse(event) as object)
}

async function post(body: string, url: string): Promise<object> {
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })
  return { status: response.status, body: await response.text() }
}

/** A bundled function, invoked in this process as Lambda's runtime does. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const TIMEOUT_MS = 60_000

export type Invoke = (event: object) => Promise<unknown>

export async function loadFunction(bundle: string): Promise<Invoke> {
  const module = (await import(pathToFileURL(join(bundle, 'index.mjs')).href)) as {
    handler(event: object, context: object): Promise<unknown>
  }
  return (event) => {
    const deadline = Date.now() + TIMEOUT_MS
    return module.handler(event, {
      awsRequestId: randomUUID(),
      functionName: 'local',
      getRemainingTimeInMillis: () => deadline - Date.now(),
    })
  }
}

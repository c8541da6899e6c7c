/** `--trace`: each request on a line of stderr, as it ends. */
import type { ObjectStore } from '../store/store.ts'
import type { Session } from './session.ts'

/** Prints the store's requests until the returned function is called, which prints their sum. */
export function traceRequests(store: ObjectStore, session: Session): () => void {
  const { stderr } = session.io
  const json = session.options.json === true
  let requests = 0
  let bytes = 0
  const stop = store.observe((event) => {
    requests++
    bytes += event.bytes
    if (json) stderr.write(`${JSON.stringify({ request: event })}\n`)
    else {
      const status = event.status === 0 ? 'no answer' : String(event.status)
      const took = `${event.durationMs.toFixed(1)} ms`
      stderr.write(
        `${event.verb.padEnd(6)} ${status.padStart(3)} ${took.padStart(10)} ${event.bytes} B  ${event.key}\n`,
      )
    }
  })
  return () => {
    stop()
    if (!json) stderr.write(`${requests} requests, ${bytes} bytes\n`)
  }
}

/** moto's server: an S3, Glue and more that has no limits and no policies. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const READY_TIMEOUT_MS = 60_000
/** Port 0, and told which one it became. */
const SERVE = `
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger('werkzeug').setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
`

export async function startMoto(python: string): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const child = spawn(python, ['-c', SERVE], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async () => {
    child.stdin.end() // it ends with its input, and so with this process
    await exited
  }
  const line = await new Promise<string>((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('moto did not start in time')), READY_TIMEOUT_MS)
    createInterface({ input: child.stdout }).once('line', (first) => {
      clearTimeout(timeout)
      resolve(first)
    })
    child.once('error', reject)
    void exited.then(() => reject(new Error('moto ended before it was ready')))
  })
  return { endpoint: `http://127.0.0.1:${Number(line)}`, stop }
}

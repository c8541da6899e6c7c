/** `datashard serve`: a Lambda handler on a port of this machine. */
import { access } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DataShardError, invalid } from '../errors.ts'
import { uuid } from '../runtime.ts'
import type { Runtime } from '../runtime.ts'
import type { CommandCall } from './command-spec.ts'
import { answerRequest } from './function-url.ts'
import { note, printResult } from './session.ts'
import type { Session } from './session.ts'

const DEFAULT_PORT = 9100
/** That of the stack in infra/. */
const DEFAULT_TIMEOUT_SECONDS = 60

interface ServeOptions {
  readonly port?: number
  readonly timeout?: number
}

type Handler = (event: unknown, context: object) => unknown

export async function run({ session, args, options }: CommandCall<ServeOptions>): Promise<void> {
  const { runtime, signal } = session
  const file = args[0]!
  const handler = await loadHandler(file)
  const timeoutMs = (options.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  const invoke = async (event: unknown) => handler(event, contextOf(runtime, timeoutMs))
  const server = createServer((request, response) => {
    const startMs = runtime.monotonic()
    response.on('close', () => {
      const ms = Math.round(runtime.monotonic() - startMs)
      // A connection that its client keeps open would hold up the end.
      if (signal.aborted) server.closeIdleConnections()
      note(session, `${request.method} ${request.url} ${response.statusCode} in ${ms} ms`)
    })
    answerRequest(request, response, { invoke, runtime }).then(
      (failure) => tell(session, failure),
      (error: unknown) => {
        // The client went away in the middle of its request.
        response.destroy()
        tell(session, error)
      },
    )
  })
  const url = `http://127.0.0.1:${await listen(server, options.port ?? DEFAULT_PORT)}`
  await printResult(session, { url, file }, () => `${url} is ${file}; Ctrl-C ends it\n`)
  await new Promise<void>((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
  const closed = new Promise((done) => server.close(done))
  server.closeIdleConnections()
  await closed
}

/** What a handler threw is its author's to read, with its stack. */
function tell({ io }: Session, failure: unknown): void {
  if (failure === undefined) return
  io.stderr.write(`the handler failed: ${failure instanceof Error ? failure.stack : String(failure)}\n`)
}

/** What is used of Lambda's context. */
function contextOf(runtime: Runtime, timeoutMs: number): object {
  const endMs = runtime.monotonic() + timeoutMs
  return {
    awsRequestId: uuid(runtime),
    functionName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, endMs - runtime.monotonic()),
  }
}

/** @throws `not-found` without the file, `invalid-argument` for what is no module with a handler */
async function loadHandler(file: string): Promise<Handler> {
  const path = resolve(file)
  await access(path).catch((cause: unknown) => {
    throw new DataShardError('not-found', `${file}: there is no such file`, { cause })
  })
  const module = await importFile(path, file)
  const { handler } = module
  if (typeof handler === 'function') return handler as Handler
  const found = Object.keys(module)
  return invalid(
    `${file} exports ${found.length === 0 ? 'nothing' : found.join(', ')}; a function is a module with ` +
      '`export const handler = appendHandler({ ... })`',
  )
}

async function importFile(path: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    const isUnknown = code === 'ERR_UNKNOWN_FILE_EXTENSION'
    const next = isUnknown
      ? ". This Node runs no TypeScript: install tsx and put NODE_OPTIONS='--import tsx' before the command"
      : ''
    throw new DataShardError('invalid-argument', `${file} cannot be loaded: ${String(message)}${next}`, {
      cause: error,
    })
  }
}

/** @returns the port */
async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      fail(isTaken ? new DataShardError('already-exists', `port ${port} is taken: give another by --port`) : error)
    })
    server.listen(port, '127.0.0.1', done)
  })
  return (server.address() as { port: number }).port
}

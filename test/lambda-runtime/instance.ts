/**
 * One instance of a function, as Lambda runs it: a process with the runtime client in it, and the Runtime API that it talks to
 * (AWS, "Using the Lambda runtime API"). Between invocations it is frozen (SIGSTOP); over its time, it is killed.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname } from 'node:path'

const API = '/2018-06-01/runtime'
const STDERR_TAIL_CHARS = 4_000

/** None outlives its run; frozen ones would for ever. */
const living = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

export type Ended =
  | { readonly kind: 'answered'; readonly answer: unknown }
  /** The handler threw, or the function could not be initialised. */
  | { readonly kind: 'failed'; readonly error: { readonly errorType: string; readonly errorMessage: string } }
  /** Killed by us, over its time, or ended by itself: whatever it did, nobody was told. */
  | { readonly kind: 'lost'; readonly why: 'killed' | 'timed out' | 'ended' }

export interface InstanceOptions {
  readonly node: string
  /** See `runtimeClient`. */
  readonly clientArgs: readonly string[]
  /** The bundle's main file, which exports `handler`. */
  readonly main: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

interface Invocation {
  readonly id: string
  readonly event: unknown
  readonly end: (ended: Ended) => void
  timer: NodeJS.Timeout | undefined
}

export class FunctionInstance {
  readonly #options: InstanceOptions
  readonly #child: ChildProcess
  /** The client's request for the next event, not yet answered. */
  #asking: ServerResponse | undefined
  #current: Invocation | undefined
  #ended = false
  #count = 0
  #stderr = ''
  #initError: Ended | undefined

  static async start(options: InstanceOptions): Promise<FunctionInstance> {
    const api = createServer()
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
    return new FunctionInstance(options, api)
  }

  private constructor(options: InstanceOptions, api: Server) {
    this.#options = options
    api.on('request', (incoming, answer) => {
      // A client that is killed while it talks is no failure of the run: what it said half is not heard.
      this.#serve(incoming, answer).catch(() => incoming.destroy())
    })
    // A frozen instance keeps its connection.
    api.keepAliveTimeout = 0
    const { node, clientArgs, main, env, timeoutMs } = options
    this.#child = spawn(node, clientArgs, {
      env: {
        PATH: process.env['PATH'],
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(api.address() as AddressInfo).port}`,
        AWS_LAMBDA_FUNCTION_NAME: 'test',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test',
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/25/[$LATEST]0',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeoutMs / 1_000),
        LAMBDA_TASK_ROOT: dirname(main),
        _HANDLER: `${basename(main).replace(/\.mjs$/, '')}.handler`,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_TAIL_CHARS)
    })
    living.add(this.#child)
    this.#child.once('exit', () => {
      living.delete(this.#child)
      this.#ended = true
      this.#end(this.#initError ?? { kind: 'lost', why: 'ended' })
      api.close()
      api.closeAllConnections()
    })
  }

  /** Whether it can be invoked again. */
  get isAlive(): boolean {
    return !this.#ended
  }

  get stderr(): string {
    return this.#stderr
  }

  /** Thaws it and gives it an event. Never rejects. */
  invoke(event: unknown): Promise<Ended> {
    if (this.#current) throw new Error('an instance has one invocation at a time')
    return new Promise((resolve) => {
      if (this.#ended) return resolve(this.#initError ?? { kind: 'lost', why: 'ended' })
      const id = `00000000-0000-4000-8000-${String(++this.#count).padStart(12, '0')}`
      this.#current = { id, event, end: resolve, timer: undefined }
      this.#child.kill('SIGCONT')
      this.#deliver()
    })
  }

  /** SIGKILL, at whatever it is. */
  kill(why: 'killed' | 'timed out' = 'killed'): void {
    this.#ended = true
    this.#child.kill('SIGKILL')
    this.#end({ kind: 'lost', why })
  }

  /** As Lambda may do in the middle of anything, if only for a while. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.kill()
    await exited
  }

  #deliver(): void {
    const { event, id } = this.#current ?? {}
    if (!this.#current || id === undefined || !this.#asking) return
    const deadlineMs = Date.now() + this.#options.timeoutMs
    this.#current.timer = setTimeout(() => this.kill('timed out'), this.#options.timeoutMs)
    this.#asking.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(deadlineMs),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:123456789012:function:test',
      'lambda-runtime-trace-id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0',
    })
    this.#asking.end(JSON.stringify(event))
    this.#asking = undefined
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = incoming.url ?? ''
    if (path === `${API}/invocation/next`) {
      this.#asking = answer
      if (this.#current) this.#deliver()
      // Nothing runs while nobody is served.
      else this.#child.kill('SIGSTOP')
      return
    }
    let text = ''
    incoming.setEncoding('utf8')
    for await (const chunk of incoming) text += chunk as string
    answer.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
    if (path === `${API}/init/error`) {
      this.#initError = { kind: 'failed', error: JSON.parse(text) as never }
      this.#end(this.#initError)
    } else if (path === `${API}/invocation/${this.#current?.id}/response`) {
      this.#end({ kind: 'answered', answer: text === '' ? undefined : JSON.parse(text) })
    } else if (path === `${API}/invocation/${this.#current?.id}/error`) {
      this.#end({ kind: 'failed', error: JSON.parse(text) as never })
    }
  }

  #end(ended: Ended): void {
    const invocation = this.#current
    if (!invocation) return
    this.#current = undefined
    clearTimeout(invocation.timer)
    invocation.end(ended)
  }
}

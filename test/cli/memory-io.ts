/** The program with streams in memory: what it wrote, and how it ended. */
import { Readable, Writable } from 'node:stream'
import { runProgram } from '../../src/cli/program.ts'
import type { Io } from '../../src/cli/session.ts'

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Uint8Array
}

export interface RunSettings {
  readonly stdin?: string | Uint8Array | Readable
  readonly env?: Record<string, string>
  readonly signal?: AbortSignal
  /** Makes stdout and stderr terminals of this width, and stdin one unless it is given. */
  readonly terminal?: number
  /** What somebody types at the terminal. */
  readonly answer?: string
}

/** Runs `datashard ...args` in this process. */
export async function datashard(args: readonly string[], settings: RunSettings = {}): Promise<RunResult> {
  const out = collector(settings.terminal)
  const err = collector(settings.terminal)
  const stdin = toReadable(settings.answer ?? settings.stdin)
  const isTTY = settings.terminal !== undefined && settings.stdin === undefined
  const io: Io = {
    stdin: Object.assign(stdin, { isTTY }),
    stdout: out.stream,
    stderr: err.stream,
    env: settings.env ?? {},
  }
  const code = await runProgram(args, { io, signal: settings.signal ?? new AbortController().signal })
  return { code, stdout: out.text(), stderr: err.text(), bytes: out.bytes() }
}

function toReadable(input: string | Uint8Array | Readable | undefined): Readable {
  if (input instanceof Readable) return input
  return Readable.from(input === undefined || input.length === 0 ? [] : [Buffer.from(input as Uint8Array)])
}

export function collector(columns?: number) {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return {
    stream: Object.assign(stream, { isTTY: columns !== undefined, ...(columns !== undefined && { columns }) }),
    text: () => Buffer.concat(chunks).toString(),
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
  }
}

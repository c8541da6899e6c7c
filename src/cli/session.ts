/** What a command works with: the streams, the clock, the options that all commands share. */
import type { Readable, Writable } from 'node:stream'
import type { Runtime } from '../runtime.ts'
import { isBrokenPipe } from './output/sink.ts'

export interface Input extends Readable {
  readonly isTTY?: boolean
}

export interface Output extends Writable {
  readonly isTTY?: boolean
  /** Width of the terminal. */
  readonly columns?: number
}

/** The world outside: replaced in tests, the process's own in `main.ts`. */
export interface Io {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Options of every command; those of S3 only where there is a table. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly trace?: boolean
  readonly endpoint?: string
  readonly region?: string
  readonly profile?: string
  readonly pathStyle?: boolean
}

export interface Session {
  readonly io: Io
  readonly runtime: Runtime
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal
  readonly options: CommonOptions
}

/** Writes a result to stdout: the text for people, or with `--json` the document on one line. */
export async function printResult(session: Session, document: unknown, text: () => string): Promise<void> {
  const out = session.options.json === true ? `${jsonLine(document)}\n` : text()
  await write(session.io.stdout, out)
}

/** Says something beside the result, on stderr; not with `--json` or `--quiet`. */
export function note(session: Session, text: string): void {
  if (session.options.json !== true && session.options.quiet !== true) session.io.stderr.write(`${text}\n`)
}

/** The width that tables must keep to: a terminal's, or none when the output goes elsewhere. */
export function terminalWidth(session: Session): number | undefined {
  const { stdout } = session.io
  return stdout.isTTY === true ? stdout.columns : undefined
}

/** JSON of plain data in which 64-bit integers may occur: numbers where a double holds them, else strings. */
export function jsonLine(document: unknown): string {
  return JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? jsonInteger(value) : value))
}

/** A 64-bit id or count for JSON. */
export function jsonInteger(value: bigint): number | string {
  const exact = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
  return exact ? Number(value) : value.toString()
}

/** Writes a text and waits until it is handed on. A reader that is gone is no error. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (stream.destroyed || text === '') return
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error && !isBrokenPipe(error) ? reject(error) : resolve()))
  })
}

/**
 * Where output goes: stdout or a file. Writes wait for a slow reader, so memory stays bounded, and a reader that went
 * away (`| head`) is no error but the end of the work.
 */
import type { Writable } from 'node:stream'

/** Text is collected up to this many characters before it is handed on: one write per row would cost most of a scan. */
const BUFFER_CHARS = 64 * 1024

export interface Sink {
  write(chunk: string | Uint8Array): Promise<void> | undefined
  /** Everything written has been handed on; files are complete. */
  end(): Promise<void>
  /** Gives up: an unfinished file is removed. */
  discard(): Promise<void>
  /** Nobody reads any more: what follows may be skipped. */
  readonly closed: boolean
  /** Bytes handed on so far. */
  readonly bytes: number
}

/** A sink over a stream that is not ours to close. */
export function streamSink(stream: Writable): Sink {
  let buffered: string[] = []
  let bufferedChars = 0
  let bytes = 0
  let closed = false
  let failure: Error | undefined
  const onError = (error: Error) => {
    closed = true
    if (!isBrokenPipe(error)) failure = error
  }
  stream.on('error', onError)

  const hand = (chunk: string | Uint8Array): Promise<void> | undefined => {
    if (failure) throw failure
    if (closed) return undefined
    bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    return stream.write(chunk) ? undefined : drained(stream)
  }
  const flush = (): Promise<void> | undefined => {
    if (bufferedChars === 0) return undefined
    const text = buffered.join('')
    buffered = []
    bufferedChars = 0
    return hand(text)
  }
  return {
    write(chunk) {
      if (typeof chunk === 'string') {
        buffered.push(chunk)
        bufferedChars += chunk.length
        return bufferedChars >= BUFFER_CHARS ? flush() : undefined
      }
      const pending = flush()
      return pending ? pending.then(() => hand(chunk)) : hand(chunk)
    },
    async end() {
      await flush()
      if (!closed) await new Promise<void>((resolve) => stream.write('', () => resolve()))
      stream.off('error', onError)
      // A write that failed late reports after `end`; nobody else may be listening then.
      stream.on('error', () => {})
      if (failure) throw failure
    },
    discard: async () => {},
    get closed() {
      return closed
    },
    get bytes() {
      return bytes
    },
  }
}

/** Whether an error only says that the reader of a pipe is gone. */
export function isBrokenPipe(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END'
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      stream.off('error', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
    stream.on('error', done)
  })
}

/** Output into a file that appears under its name only when it is whole. */
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { invalid } from '../../errors.ts'
import { type Runtime, uuid } from '../../runtime.ts'
import { type Sink, streamSink } from './sink.ts'

/**
 * A sink for the file `path`. Bytes go to a neighbour of it, which is renamed at the end, so an interrupted scan never
 * leaves half a file; devices and pipes are written directly.
 */
export async function fileSink(path: string, runtime: Runtime): Promise<Sink> {
  const existing = await stat(path).catch(() => undefined)
  if (existing?.isDirectory()) invalid(`--output ${path} is a directory; give the name of a file`)
  const direct = existing !== undefined && !existing.isFile()
  const target = direct ? path : `${path}.${uuid(runtime).slice(0, 8)}.partial`
  const stream = createWriteStream(target)
  const done = finished(stream)
  done.catch(() => {})
  const inner = streamSink(stream)
  return {
    write: (chunk) => inner.write(chunk),
    async end() {
      try {
        await inner.end()
        stream.end()
        await done
        if (!direct) await rename(target, path)
      } catch (error) {
        if (!direct) await rm(target, { force: true })
        throw error
      }
    },
    async discard() {
      stream.destroy()
      await done.catch(() => {})
      if (!direct) await rm(target, { force: true })
    },
    get closed() {
      return inner.closed
    },
    get bytes() {
      return inner.bytes
    },
  }
}

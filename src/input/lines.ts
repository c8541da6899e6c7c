/** Bytes to lines of text, in UTF-8, which is checked: a broken character is an error and not a question mark. */
import { DataShardError } from '../errors.ts'

/** A line longer than this is not a row but a file in another format; it would fill the memory before anything failed. */
const MAX_LINE_CHARS = 256 * 1024 * 1024

/** Text in pieces as the bytes arrive, a byte order mark taken off. */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let lines = 1
  const decode = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (error) {
      throw new DataShardError('invalid-argument', `${name} is not UTF-8 text, near line ${lines}`, {
        cause: error,
        details: { file: name, line: lines },
      })
    }
  }
  for await (const chunk of chunks) {
    const text = decode(chunk)
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
    if (text !== '') yield text
  }
  const rest = decode()
  if (rest !== '') yield rest
}

/** The lines of a text, without their line breaks; the last one too if it has none. In groups, as they arrive. */
export async function* splitLines(texts: AsyncIterable<string>, name: string): AsyncGenerator<string[]> {
  let rest: string[] = []
  let restChars = 0
  for await (const text of texts) {
    const end = text.lastIndexOf('\n')
    if (end === -1) {
      rest.push(text)
      restChars += text.length
      if (restChars > MAX_LINE_CHARS) {
        throw new DataShardError('invalid-argument', `${name} has a line of more than ${MAX_LINE_CHARS} characters`)
      }
      continue
    }
    rest.push(text.slice(0, end))
    const lines = rest.join('').split('\n')
    rest = [text.slice(end + 1)]
    restChars = text.length - end - 1
    yield lines
  }
  const last = rest.join('')
  if (last !== '') yield [last]
}

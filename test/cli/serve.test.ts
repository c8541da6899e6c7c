/** `datashard serve`: a handler of plain JavaScript behind HTTP, as Lambda's function URLs and its API answer. */
import { createServer } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/minio.ts'
import { temporaryDirectory } from '../support/tables.ts'
import { datashard } from './memory-io.ts'

const HANDLER = `
export async function handler(event, context) {
  const body = event.body ?? event
  if (body === 'boom') throw new TypeError('so it goes')
  if (body === 'slow') await new Promise((resolve) => setTimeout(resolve, 300))
  if (body === 'cookie') {
    return { statusCode: 201, headers: { 'x-a': '1' }, cookies: ['a=1', 'b=2'], body: 'AQI=', isBase64Encoded: true }
  }
  return { event, remainingMs: context.getRemainingTimeInMillis(), id: context.awsRequestId }
}
`
const INVOKE = '/2015-03-31/functions/function/invocations'

let folder: Awaited<ReturnType<typeof temporaryDirectory>>
let file: string

beforeAll(async () => {
  folder = await temporaryDirectory()
  file = join(folder.path, 'handler.mjs')
  await writeFile(file, HANDLER)
})
afterAll(() => folder[Symbol.asyncDispose]())

/** Serves while `use` runs, then presses Ctrl-C. */
async function served(use: (url: string) => Promise<void>) {
  const port = await freePort()
  const interrupted = new AbortController()
  const ended = datashard(['serve', file, '--port', String(port), '--timeout', '5'], { signal: interrupted.signal })
  const url = `http://127.0.0.1:${port}`
  try {
    await expect
      .poll(() =>
        fetch(url).then(
          (answer) => answer.status,
          () => 0,
        ),
      )
      .toBe(200)
    await use(url)
  } finally {
    interrupted.abort()
  }
  return ended
}

const post = (url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body, headers })

describe('datashard serve', () => {
  test('a request is an event of a function URL, an answer its response', async () => {
    const result = await served(async (url) => {
      const answer = await post(`${url}/a/b?x=1`, '{"n":1}', { 'content-type': 'application/json' })
      const { event, remainingMs, id } = (await answer.json()) as Record<string, never>
      expect(event).toMatchObject({
        version: '2.0',
        rawPath: '/a/b',
        queryStringParameters: { x: '1' },
        requestContext: { http: { method: 'POST' } },
        body: '{"n":1}',
        isBase64Encoded: false,
      })
      expect(remainingMs).toBeGreaterThan(4000)
      expect(remainingMs).toBeLessThanOrEqual(5000)
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      const binary = await post(url, new Uint8Array([1, 2]), { 'content-type': 'application/octet-stream' })
      expect(await binary.json()).toMatchObject({ event: { body: 'AQI=', isBase64Encoded: true } })
    })
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining(`is ${file}; Ctrl-C ends it`) })
    expect(result.stderr).toMatch(/POST \/a\/b\?x=1 200 in \d+ ms/)
  })

  test('status, headers, cookies and bytes are those of the answer', async () => {
    await served(async (url) => {
      const answer = await post(url, 'cookie')
      expect([answer.status, answer.headers.get('x-a'), answer.headers.getSetCookie()]).toEqual([
        201,
        '1',
        ['a=1', 'b=2'],
      ])
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array([1, 2]))
    })
  })

  test('an event of any source is posted as it is, and its answer comes back as it is', async () => {
    await served(async (url) => {
      const answer = await post(`${url}${INVOKE}`, '{"Records":[]}')
      expect(await answer.json()).toMatchObject({ event: { Records: [] } })
      expect((await post(`${url}${INVOKE}`, '{"Records"')).status).toBe(400)
    })
  })

  test('what the handler throws is a 502, or the error of a direct call, and its author sees the stack', async () => {
    const { stderr } = await served(async (url) => {
      expect((await post(url, 'boom')).status).toBe(502)
      const direct = await post(`${url}${INVOKE}`, '"boom"')
      expect([direct.status, direct.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
      expect(await direct.json()).toEqual({ errorType: 'TypeError', errorMessage: 'so it goes' })
    })
    expect(stderr).toMatch(/the handler failed: TypeError: so it goes\n +at handler/)
  })

  test('6 MiB go through, one byte more is refused as by Lambda', async () => {
    await served(async (url) => {
      const limit = 6 * 1024 * 1024
      expect((await post(url, 'x'.repeat(limit))).status).toBe(200)
      expect((await post(url, 'x'.repeat(limit + 1))).status).toBe(413)
    })
  })

  test('Ctrl-C waits for what is under way', async () => {
    let slow: Promise<Response> | undefined
    await served(async (url) => {
      slow = post(url, 'slow')
      await new Promise((resolve) => setTimeout(resolve, 100))
    })
    expect((await slow!).status).toBe(200)
  })

  test('what cannot be served is said, with what to do', async () => {
    const bad = async (name: string, text: string) => {
      await writeFile(join(folder.path, name), text)
      const { code, stderr } = await datashard(['serve', join(folder.path, name)])
      return { code, stderr }
    }
    expect(await datashard(['serve', 'none.mjs'])).toMatchObject({
      code: 1,
      stderr: 'error: none.mjs: there is no such file\n',
    })
    expect(await bad('none-exported.mjs', 'export const other = 1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/exports other; a function is a module with/),
    })
    expect(await bad('broken.mjs', 'throw new Error("no table")')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/broken\.mjs cannot be loaded: no table/),
    })
    const taken = createServer()
    await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    expect(await datashard(['serve', file, '--port', String(port)])).toMatchObject({
      code: 1,
      stderr: `error: port ${port} is taken: give another by --port\n`,
    })
    taken.close()
  })
})

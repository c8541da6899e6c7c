/** An HTTP server that answers what a test says, byte for byte: for answers that no S3 server would give on request. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface RawServer {
  readonly endpoint: string
  /** What came in, as `METHOD /path`. */
  readonly requests: string[]
  stop(): Promise<void>
}

export interface RawAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** The handler returns the answer, or sends it by itself and returns nothing. */
export async function startRawServer(
  answer: (request: IncomingMessage, response: ServerResponse) => RawAnswer | undefined,
): Promise<RawServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`)
    request.resume()
    const given = answer(request, response)
    if (!given) return
    response.writeHead(given.status, given.headers)
    response.end(request.method === 'HEAD' ? undefined : given.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { endpoint: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, requests, stop }
}

/** An error as S3 writes it. */
export function s3ErrorBody(code: string, fields: Readonly<Record<string, string>> = {}): string {
  const rest = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>said the server</Message>${rest.join('')}</Error>`
}

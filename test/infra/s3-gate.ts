/**
 * An S3 server with AWS's idea of policies: every request is judged by the statements given and answered with 403, or passed on to
 * a real server. MinIO has a policy engine of its own, but refuses policies with AWS's condition keys for conditional writes.
 */
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { judge } from './policy.ts'
import type { Asked, Statement } from './policy.ts'

export interface S3Gate {
  readonly endpoint: string
  /** By whose rights the next requests are judged. */
  statements: readonly Statement[]
  /** What was refused since the start: `DELETE events/data/a`. */
  readonly refused: string[]
  stop(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export async function startS3Gate(target: string): Promise<S3Gate> {
  const refused: string[] = []
  const gate = { statements: [] as readonly Statement[] }

  async function answer(incoming: IncomingMessage): Promise<Answer> {
    const body = await bodyOf(incoming)
    const asked = rightsFor(incoming, body)
    const no = asked.find((one) => !judge(gate.statements, one).allowed)
    if (no) {
      refused.push(`${incoming.method} ${no.resource.replace(/^arn:aws:s3:::[^/]*\/?/, '')}`)
      return isDeleteOfMany(incoming) ? deleteResult(asked, gate.statements) : accessDenied()
    }
    const passed = await passOn(target, incoming, body)
    // S3 tells only who may list that a key is missing.
    const mayKnow = judge(gate.statements, { action: 's3:ListBucket', resource: bucketArn(incoming), context: TLS })
    return passed.status === 404 && isRead(incoming) && !mayKnow.allowed ? accessDenied() : passed
  }

  const server = createServer((incoming, response) => {
    answer(incoming).then(
      (given) => send(response, given),
      // No code that anybody retries: the test has to see it.
      (error: unknown) =>
        send(response, xml(400, `<Error><Code>Gate</Code><Message>${String(error)}</Message></Error>`)),
    )
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    refused,
    get statements() {
      return gate.statements
    },
    set statements(given) {
      gate.statements = given
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Every request is taken for one by TLS: here it is not, and which statements ask for it is not what is tested. */
const TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' }

/** What AWS asks for before it does a request of the kinds that DataShard and the tests send. */
function rightsFor(incoming: IncomingMessage, body: Buffer): Asked[] {
  const { bucket, key, query } = addressOf(incoming)
  const resource = `arn:aws:s3:::${bucket}/${key}`
  const ifNoneMatch = incoming.headers['if-none-match']
  const condition: Record<string, string> = typeof ifNoneMatch === 'string' ? { 's3:if-none-match': ifNoneMatch } : {}
  const put = (creates: boolean): Asked[] => [
    {
      action: 's3:PutObject',
      resource,
      context: { ...TLS, ...condition, 's3:ObjectCreationOperation': String(creates) },
    },
  ]
  const verb = incoming.method ?? 'GET'
  if (verb === 'GET' && key === '') {
    const prefix = query.get('prefix')
    const context = { ...TLS, ...(prefix === null ? {} : { 's3:prefix': prefix }) }
    return [{ action: 's3:ListBucket', resource: bucketArn(incoming), context }]
  }
  if (isRead(incoming)) return [{ action: 's3:GetObject', resource, context: TLS }]
  if (verb === 'PUT') return put(!query.has('partNumber'))
  if (isDeleteOfMany(incoming)) return keysIn(body).map((one) => deletion(`arn:aws:s3:::${bucket}/${one}`))
  if (verb === 'POST') return put(!query.has('uploads'))
  if (verb === 'DELETE' && query.has('uploadId')) return [{ action: 's3:AbortMultipartUpload', resource, context: TLS }]
  if (verb === 'DELETE') return [deletion(resource)]
  throw new Error(`${verb} ${incoming.url} is not known to this gate`)
}

function deletion(resource: string): Asked {
  return { action: 's3:DeleteObject', resource, context: TLS }
}

function addressOf({ url = '/' }: IncomingMessage): { bucket: string; key: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(url, 'http://gate')
  const [, bucket = '', ...key] = pathname.split('/')
  return { bucket, key: decodeURIComponent(key.join('/')), query: searchParams }
}

function bucketArn(incoming: IncomingMessage): string {
  return `arn:aws:s3:::${addressOf(incoming).bucket}`
}

function isRead(incoming: IncomingMessage): boolean {
  const { key, query } = addressOf(incoming)
  return key !== '' && !query.has('uploads') && (incoming.method === 'GET' || incoming.method === 'HEAD')
}

function isDeleteOfMany(incoming: IncomingMessage): boolean {
  return incoming.method === 'POST' && addressOf(incoming).query.has('delete')
}

function keysIn(body: Buffer): string[] {
  return [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1]!)
}

function deleteResult(asked: readonly Asked[], statements: readonly Statement[]): Answer {
  const failed = asked.filter((one) => !judge(statements, one).allowed)
  const errors = failed.map(({ resource }) => {
    const key = resource.replace(/^arn:aws:s3:::[^/]*\//, '')
    return `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`
  })
  return xml(200, `<DeleteResult>${errors.join('')}</DeleteResult>`)
}

function accessDenied(): Answer {
  return xml(403, '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>')
}

function xml(status: number, text: string): Answer {
  const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`)
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** With its headers as they are, `Host` among them: that is what was signed. */
function passOn(target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, method, path: url, headers, setHost: false }, (given) => {
      bodyOf(given).then(
        (bytes) => resolve({ status: given.statusCode ?? 502, headers: given.headers, body: bytes }),
        reject,
      )
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers)
  response.end(body)
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

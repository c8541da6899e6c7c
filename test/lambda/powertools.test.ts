/** middy and Powertools for AWS Lambda, the real ones: middy around the handler, Powertools' Logger, Metrics and Tracer in it. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/tables.ts'
import { failures, messages } from './messages.ts'

const FUNCTION = join(import.meta.dirname, 'observed-function.ts')
const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1'

type Json = Record<string, unknown>

interface Seen {
  /** What was printed that is no JSON. */
  readonly texts: string[]
  /** What was printed, by stdout or stderr: log lines and metrics. */
  readonly lines: Json[]
  /** What X-Ray's daemon was sent. */
  readonly segments: Json[]
}

/** Gives the function the events, one after the other. */
async function invoke(events: readonly object[]): Promise<Seen> {
  await using folder = await temporaryDirectory()
  const seen: Seen = { texts: [], lines: [], segments: [] }
  const daemon = createSocket('udp4')
  // A header that says the format, then the segment.
  daemon.on('message', (message) => seen.segments.push(JSON.parse(String(message).split('\n')[1]!) as Json))
  await new Promise<void>((resolve) => void daemon.bind(0, '127.0.0.1', resolve))
  const child = spawn(process.execPath, ['--import', 'tsx', FUNCTION], {
    env: {
      PATH: process.env['PATH'] ?? '',
      TMPDIR: folder.path,
      LAMBDA_TASK_ROOT: '/var/task',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x',
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: TRACE,
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${(daemon.address() as AddressInfo).port}`,
      POWERTOOLS_SERVICE_NAME: 'shop',
    },
  })
  let printed = ''
  child.stdout.on('data', (data) => (printed += String(data)))
  child.stderr.on('data', (data) => (printed += String(data)))
  child.stdin.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code, printed).toBe(0)
  daemon.close()
  for (const line of printed.split('\n')) {
    if (line.startsWith('{')) seen.lines.push(JSON.parse(line) as Json)
    else seen.texts.push(line)
  }
  return seen
}

describe('a function with middy and Powertools', () => {
  let seen: Seen
  beforeAll(async () => {
    const first = messages({ a: 'plain:{"id":"a"}', b: { id: 5 } })
    seen = await invoke([first, messages({ a: { id: 'a' } })])
  })

  test('middy: middlewares see the event before the handler, and its answer is the answer', () => {
    const answers = seen.texts
      .filter((line) => line.startsWith('answer'))
      .map((line) => JSON.parse(line.slice(7)) as Json)
    expect(answers).toEqual([failures('b'), failures()])
    expect(seen.texts).toContain('rows 1')
  })

  test('Logger: warnings and errors with their codes, in its own form', () => {
    const about = { service: 'shop', function_name: 'ingest', function_request_id: expect.any(String) as string }
    expect(seen.lines).toContainEqual(
      expect.objectContaining({
        ...about,
        level: 'ERROR',
        message: '1 of 2 records are to be delivered again',
        error: expect.objectContaining({ code: 'invalid-argument' }) as object,
      }),
    )
    // The messages are of 2018, when the sample was made.
    expect(seen.lines).toContainEqual(expect.objectContaining({ ...about, level: 'WARN', stale: 2 }))
  })

  test('Metrics: one line of them for each invocation', () => {
    const emitted = seen.lines.filter((line) => '_aws' in line)
    expect(emitted).toMatchObject([
      { service: 'shop', Records: 2, Rows: 1, Rejected: 1, ColdStart: 1 },
      { service: 'shop', Records: 1, Rows: 0, Replayed: 1, ColdStart: 0 },
    ])
    const { CloudWatchMetrics } = emitted[0]!['_aws'] as { CloudWatchMetrics: [{ Namespace: string; Metrics: Json[] }] }
    expect(CloudWatchMetrics[0].Namespace).toBe('Shop')
    expect(CloudWatchMetrics[0].Metrics).toContainEqual({ Name: 'AppendMs', Unit: 'Milliseconds' })
  })

  test('Tracer: annotations and metadata on the segment of each invocation, as the daemon of X-Ray gets it', () => {
    const handled = seen.segments.filter(({ name }) => name === '## index.handler')
    expect(handled).toMatchObject([
      {
        annotations: { 'datashard.source': 'sqs', 'datashard.rows': 1, 'datashard.failed': 1 },
        metadata: { shop: { datashard: { Records: 2, table: 'memory://store/events' } } },
      },
      { annotations: { 'datashard.source': 'sqs', 'datashard.rows': 0 } },
    ])
  })
})

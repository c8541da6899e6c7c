/** The SAM template and the Terraform module make for each source what the constructs make: settings, rights, queues, alarms. */
import { describe, expect, test } from 'vitest'
import { formsOfCdk, KINDS } from './sources-of-cdk.ts'
import type { Forms } from './sources-of-cdk.ts'
import { formsOfSam, samStack } from './sources-of-sam.ts'
import { EVERY_SOURCE, formsOfTerraform, TERRAFORM, variables } from './sources-of-terraform.ts'
import KNOWN from './terraform-arguments.json' with { type: 'json' }
import { terraformBinary, terraformValues } from './terraform-module.ts'
import { infraPython } from './tools.ts'

const python = await infraPython()
const terraform = python === undefined ? undefined : await terraformBinary()
const cdk = formsOfCdk()
const sam = python === undefined ? cdk : await formsOfSam(python)

test('what is compared is not empty', () => {
  expect(cdk.alarms).toHaveLength(5)
  expect(KINDS).toHaveLength(10)
  for (const kind of KINDS) {
    const { alarms, rights, mapping } = cdk.sources[kind]!
    const hasMapping = kind !== 'url' && kind !== 'firehose'
    expect(alarms, kind).toHaveLength(kind === 'url' ? 3 : hasMapping ? 5 : 4)
    expect(rights.length, kind).toBeGreaterThan(hasMapping ? 1 : 0)
    expect(mapping !== undefined, kind).toBe(hasMapping)
  }
})

describe.skipIf(python === undefined)('examples/sam', () => {
  test('has every source, and no other', () => {
    expect(Object.keys(sam.sources).toSorted()).toEqual(KINDS.toSorted())
  })

  test.each(KINDS)('makes for %s what the constructs make', (kind) => {
    expect(sam.sources[kind]).toEqual(cdk.sources[kind])
  })

  test('watches the table and the sweep as the constructs do', () => {
    expect(sam.alarms).toEqual(cdk.alarms)
  })

  test('has a queue and a URL unless asked for more, and each of them can be switched off', async () => {
    const names = async (parameters: Record<string, string>) =>
      (await samStack(python!, parameters)).children.map(({ name }) => name)
    expect(await names({})).toEqual(['QueueSource', 'HttpSource'])
    expect(await names({ Queue: 'off', Http: 'off' })).toEqual([])
    expect(await names({ Queue: 'off', Http: 'off', Firehose: 'records' })).toEqual(['FirehoseSource'])
  })

  test('of a source with other settings: a secret for MSK, all objects of a bucket, records that Firehose keeps', async () => {
    const { children } = await samStack(python!, {
      MskClusterArn: 'arn:aws:kafka:c',
      MskTopic: 't',
      MskSecretArn: 'arn:secret',
      Uploads: 'uploads',
      Firehose: 'records',
      UploadsKeyArn: 'arn:key',
      AlarmTopic: 'arn:topic',
    })
    const made = Object.fromEntries(children.map(({ name, made: resources }) => [name, JSON.stringify(resources)]))
    expect(made['MskSource']).toContain('{"Type":"SASL_SCRAM_512_AUTH","URI":"arn:secret"}')
    expect(made['MskSource']).toContain('kafka:ListScramSecrets')
    expect(made['MskSource']).not.toContain('kafka-cluster:')
    expect(made['UploadsSource']).toContain('"detail":{"bucket":{"name":["uploads"]}}')
    expect(made['UploadsSource']).toContain('"Action":"kms:Decrypt","Resource":"arn:key"')
    expect(made['FirehoseSource']).toContain('"DATASHARD_FIREHOSE":"pass"')
    for (const { alarms } of children) {
      for (const { properties } of Object.values(alarms)) expect(properties['AlarmActions']).toEqual(['arn:topic'])
    }
  })

  test('lets SAM make no role: its own may write every log of the account', async () => {
    const { root, children } = await samStack(python!)
    const functions = [root, ...children.map(({ made }) => made)]
      .flatMap((resources) => Object.values(resources))
      .filter(({ type }) => type === 'AWS::Serverless::Function')
    expect(functions).toHaveLength(KINDS.length + 1)
    for (const { properties } of functions) {
      expect(properties['Role']).toMatch(/^<\w+\.Arn>$/)
      expect(properties['Policies']).toBeUndefined()
    }
  })
})

describe.skipIf(terraform === undefined)('examples/terraform', () => {
  const tools = { python: python!, terraform: terraform! }
  const made = () => (forms ??= formsOfTerraform(tools))
  let forms: Promise<Forms> | undefined

  test.each(KINDS)('makes for %s what the constructs make', async (kind) => {
    expect((await made()).sources[kind]).toEqual(cdk.sources[kind])
  })

  test('watches the table and the sweep as the constructs do', async () => {
    expect((await made()).alarms).toEqual(cdk.alarms)
  })

  test('has a queue and a URL unless asked for more', async () => {
    const values = await terraformValues(tools, TERRAFORM, { bucket: 'lake', functions: 'functions' })
    expect(Object.keys(values['aws_lambda_function.ingest']!)).toEqual(['http', 'queue'])
    expect(Object.keys(values['aws_lambda_event_source_mapping.records']!)).toEqual(['queue'])
    for (const address of ['aws_lambda_event_source_mapping.kafka', 'aws_kinesis_firehose_delivery_stream.records']) {
      expect(values[address]).toEqual({})
    }
  })

  test('of a source with other settings: a secret for MSK, all objects of a bucket, records that Firehose keeps', async () => {
    const values = await terraformValues(
      tools,
      TERRAFORM,
      variables({
        msk: { arn: 'arn:aws:kafka:c', topic: 't', secret_arn: 'arn:secret', batch_size: 200 },
        s3: { bucket: 'uploads', key_arn: 'arn:key', timeout_seconds: 100 },
        firehose: { keep: 'records', batch_window_seconds: 60 },
      }),
    )
    const text = (address: string) => JSON.stringify(values[address])
    const rights = text('data.aws_iam_policy_document.source')
    expect(text('aws_lambda_event_source_mapping.kafka')).toContain('{"type":"SASL_SCRAM_512_AUTH","uri":"arn:secret"}')
    expect(rights).toContain('kafka:ListScramSecrets')
    expect(rights).not.toContain('kafka-cluster:')
    expect(rights).toContain('"actions":["kms:Decrypt"],"resources":["arn:key"]')
    expect(values['aws_cloudwatch_metric_alarm.lake']!['msk-oldest-record']!['threshold']).toBe(2000)
    expect(values['aws_cloudwatch_metric_alarm.lake']!['firehose-oldest-record']!['threshold']).toBe(660)
    expect(values['aws_sqs_queue.records']!['s3']!['visibility_timeout_seconds']).toBe(600)
    expect(values['aws_cloudwatch_event_rule.records']!['s3']!['event_pattern']).not.toContain('"object"')
    expect(text('aws_kinesis_firehose_delivery_stream.records')).not.toContain('BufferIntervalInSeconds')
    expect(text('aws_lambda_function.ingest')).toContain('"DATASHARD_FIREHOSE":"pass"')
  })

  test('uses the arguments that version 6 of the provider has, and all it needs', async () => {
    const values = await terraformValues(tools, TERRAFORM, variables())
    const wrong = Object.entries(values).flatMap(([address, instances]) => {
      const type = address.replace('data.', '').split('.')[0]!
      const known = (KNOWN as Record<string, Known>)[type]
      if (known === undefined) return type.startsWith('aws_') ? [`${type} is not known`] : []
      return Object.values(instances).flatMap((instance) => strange(instance, known, address))
    })
    expect([...new Set(wrong)]).toEqual([])
  })

  test.each([
    ['a kind that there is not', { x: { kind: 'mq' } }, 'a kind one of'],
    ['the name of the sweep', { sweep: { kind: 'queue' } }, 'not sweep'],
    ['a stream without its ARN', { x: { kind: 'kinesis' } }, 'need an arn'],
    ['events without a pattern', { x: { kind: 'events', pattern: 'shop' } }, 'events a pattern'],
    ['a wildcard in a prefix', { x: { kind: 's3', bucket: 'b', prefix: '*' } }, 'prefix and suffix may have'],
    ['Kafka without a topic', { x: { ...EVERY_SOURCE.msk, topic: null, kind: 'msk' } }, 'need a topic'],
    [
      'brokers that nobody could reach',
      { x: { kind: 'kafka', topic: 't', servers: ['b:9092'] } },
      'kafka needs servers',
    ],
    ['a function that Firehose would not wait for', { x: { kind: 'firehose', timeout_seconds: 301 } }, '300 s'],
  ])('refuses %s', async (_, sources, message) => {
    const asked = terraformValues(tools, TERRAFORM, variables(sources))
    await expect(asked).rejects.toMatchObject({ stderr: expect.stringContaining(message) })
  })
})

type Known = { readonly [name: string]: 'required' | 'optional' | Known }

/** Arguments that the provider does not know, and missing ones that it needs. */
function strange(value: unknown, known: Known, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => strange(one, known, path))
  const given = Object.entries(value as object).filter(([, one]) => !isTold(one, path))
  const missing = Object.entries(known).filter(
    ([name, need]) => need === 'required' && !given.some(([argument]) => argument === name),
  )
  return [
    ...missing.map(([name]) => `${path} needs ${name}`),
    ...given.flatMap(([name, one]) => {
      const need = known[name]
      if (need === undefined) return [`${path} has no ${name}`]
      return typeof need === 'string' ? [] : strange(one, need, `${path}.${name}`)
    }),
  ]
}

/** What stands for an attribute that the provider would tell: `~aws_sqs_queue.records/queue~` in that queue. */
function isTold(value: unknown, address: string): boolean {
  return typeof value === 'string' && (value === `~${address}~` || value.startsWith(`~${address}/`))
}

/** The forms of `source-forms.ts` of a stack with every kind of source, by kind. */
import { Template } from 'aws-cdk-lib/assertions'
import { Table } from 'aws-cdk-lib/aws-dynamodb'
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Stack } from 'aws-cdk-lib'
import type { Source } from '../../infra/lib/index.ts'
import { alarmForms, mappingForm, rights, senders, settingsForm, streamForm, without } from './source-forms.ts'
import type { Fields, SourceForm } from './source-forms.ts'
import { brokers, CLUSTER, deployed, resourcesOf, stackWith } from './synth.ts'
import type { Json } from './synth.ts'

export const STREAM = 'arn:aws:kinesis:us-east-1:123456789012:stream/clicks'
export const TABLE_STREAM = 'arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31'
export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:news'
export const GROUP = 'lake'

export type Kind = Source['kind']

/** One source of every kind: what TypeScript checks is that none is left out. */
const SOURCES: { readonly [K in Kind]: (stack: Stack) => Extract<Source, { kind: K }> } = {
  queue: () => ({ kind: 'queue' }),
  url: () => ({ kind: 'url' }),
  kinesis: (stack) => ({ kind: 'kinesis', stream: Stream.fromStreamArn(stack, 'Clicks', STREAM) }),
  dynamodb: (stack) => {
    const tableArn = TABLE_STREAM.replace(/\/stream.*/, '')
    // The cast: CDK's own types do not go together under exactOptionalPropertyTypes.
    const table = Table.fromTableAttributes(stack, 'Orders', { tableArn, tableStreamArn: TABLE_STREAM }) as ITable
    return { kind: 'dynamodb', table }
  },
  topic: (stack) => ({ kind: 'topic', topic: Topic.fromTopicArn(stack, 'News', TOPIC) }),
  events: () => ({ kind: 'events', pattern: { source: ['shop'] } }),
  s3: (stack) => ({
    kind: 's3',
    bucket: Bucket.fromBucketName(stack, 'Uploads', 'uploads'),
    prefix: 'in/',
    suffix: '.ndjson',
  }),
  msk: () => ({ kind: 'msk', clusterArn: CLUSTER, topic: 'orders', consumerGroupId: GROUP }),
  kafka: (stack) => ({ ...brokers(stack), consumerGroupId: GROUP }),
  firehose: () => ({ kind: 'firehose' }),
}

export const KINDS = Object.keys(SOURCES) as Kind[]

export interface Forms {
  readonly sources: Readonly<Record<string, SourceForm>>
  /** Of the table and the sweep. */
  readonly alarms: readonly string[]
}

export function formsOfCdk(): Forms {
  const { stack } = stackWith((inner) => ({
    tables: {
      t: { ingest: Object.fromEntries(KINDS.map((kind) => [nameOf(kind), { source: SOURCES[kind](inner) }])) },
    },
  }))
  const template = Template.fromStack(stack)
  const own = (kind: Kind) => partsOf(template, `LakeT${capital(nameOf(kind))}`)
  const alarms = alarmsOf(template, /^LakeAlarms(?:T(?:FailedAppends|Contention|Attempts)|Sweep)/)
  return { sources: Object.fromEntries(KINDS.map((kind) => [kind, own(kind)])), alarms }
}

/** Not the kind itself: of a name that its parent's ends with CDK leaves nothing. */
function nameOf(kind: Kind): string {
  return `${kind}In`
}

function capital(name: string): string {
  return `${name[0]!.toUpperCase()}${name.slice(1)}`
}

/** The words for what CDK named. */
function word(logicalId: string, attribute: string): string {
  if (logicalId === 'AWS::Partition') return 'aws'
  if (/DeadLetters/.test(logicalId)) return 'DEAD_LETTERS'
  if (/StreamLog/.test(logicalId)) return 'STREAM_LOG'
  if (/FunctionLog/.test(logicalId)) return 'LOG'
  if (/Queue[0-9A-F]{8}$/.test(logicalId)) return 'QUEUE'
  if (/Function[0-9A-F]{8}$/.test(logicalId)) return 'FUNCTION'
  if (/^LakeBucket[0-9A-F]{8}$/.test(logicalId)) return 'LAKE'
  return `${logicalId}.${attribute}`
}

/** Resources of a type whose logical id begins so, references replaced. */
function made(template: Template, type: string, id: RegExp): Fields[] {
  return Object.entries(resourcesOf(template, type))
    .filter(([logicalId]) => id.test(logicalId))
    .map(([, { Properties }]) => deployed(Properties as Json, word) as Fields)
}

function alarmsOf(template: Template, id: RegExp): string[] {
  return alarmForms(made(template, 'AWS::CloudWatch::Alarm', id))
}

function partsOf(template: Template, id: string): SourceForm {
  const one = (type: string, rest: string) => made(template, type, new RegExp(`^${id}${rest}`))[0]
  const statements = (policy: Fields | undefined) => (policy!['PolicyDocument'] as { Statement: [] }).Statement
  const { Timeout, MemorySize, Environment } = one('AWS::Lambda::Function', 'Function')!
  const mapping = one('AWS::Lambda::EventSourceMapping', 'Function')
  const queue = one('AWS::SQS::Queue', 'Queue')
  const dead = one('AWS::SQS::Queue', 'DeadLetters')
  const rule = one('AWS::Events::Rule', 'Rule')
  const subscription = one('AWS::SNS::Subscription', 'Queue')
  const stream = one('AWS::KinesisFirehose::DeliveryStream', 'Stream')
  const policies = [...(queue ? ['QueuePolicy'] : []), ...(dead ? ['DeadLettersPolicy'] : [])]
  const prefix = `firehose/${id.slice('Lake'.length)}`
  return {
    timeout: Timeout!,
    memory: MemorySize!,
    settings: settingsForm((Environment as { Variables: Fields }).Variables),
    rights: rights(statements(one('AWS::IAM::Policy', 'FunctionRole'))),
    ...(mapping ? { mapping: mappingForm(mapping) } : {}),
    ...(queue ? { queue } : {}),
    ...(dead ? { deadLetters: dead } : {}),
    ...(dead ? { senders: policies.map((name) => senders(statements(one('AWS::SQS::QueuePolicy', name)))) } : {}),
    ...(rule ? { rule: ruleOf(rule) } : {}),
    ...(subscription ? { subscription: subscriptionOf(subscription) } : {}),
    ...(stream ? { stream: streamForm(stream, statements(one('AWS::IAM::Policy', 'StreamRole')), prefix) } : {}),
    alarms: alarmsOf(
      template,
      new RegExp(`^LakeAlarms${id.slice('Lake'.length)}(?:Errors|Throttled|Rejected|OldestRecord|DeadLetters)`),
    ),
  }
}

/** SNS asks for the region only where it is another. */
function subscriptionOf(subscription: Fields): Fields {
  return without(subscription, 'Region')
}

function ruleOf({ EventPattern, Targets }: Fields): Fields {
  return { EventPattern: EventPattern!, target: without((Targets as readonly Fields[])[0]!, 'Id') }
}

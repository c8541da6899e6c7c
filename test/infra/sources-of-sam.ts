/** The forms of `source-forms.ts` of the SAM template with every source switched on, by kind. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nested, samResources, samTemplates } from './sam-template.ts'
import type { SamResource, SamResources } from './sam-template.ts'
import { alarmForms, mappingForm, rights, senders, settingsForm, streamForm, without } from './source-forms.ts'
import type { Fields, SourceForm } from './source-forms.ts'
import { STREAM, TABLE_STREAM, TOPIC } from './sources-of-cdk.ts'
import type { Forms } from './sources-of-cdk.ts'
import { CLUSTER, SECRET } from './synth.ts'
import type { Json } from './synth.ts'

const SAM = join(dirname(fileURLToPath(import.meta.url)), '../../examples/sam')
export const SAM_TEMPLATE = join(SAM, 'template.yaml')

/** The same sources as in `sources-of-cdk.ts`. */
const EVERYTHING: Record<string, Json> = {
  KinesisArn: STREAM,
  DynamoDbStreamArn: TABLE_STREAM,
  TopicArn: TOPIC,
  EventSource: 'shop',
  Uploads: 'uploads',
  UploadsPrefix: 'in/',
  UploadsSuffix: '.ndjson',
  MskClusterArn: CLUSTER,
  MskTopic: 'orders',
  KafkaServers: 'broker-1.example.com:9092,broker-2.example.com:9092',
  KafkaTopic: 'clicks',
  KafkaSecretArn: SECRET,
  KafkaSubnetA: 'subnet-1',
  KafkaSecurityGroup: 'sg-1',
  Firehose: 'nothing',
}

export async function samFiles(): Promise<string[]> {
  const names = (await readdir(SAM, { recursive: true })).filter((name) => name.endsWith('.yaml'))
  return names.map((name) => join(SAM, name)).toSorted()
}

/** What is made with these parameters: resources of the template, and of its nested ones by their names in it. */
export async function samStack(python: string, parameters: Readonly<Record<string, Json>> = EVERYTHING) {
  const templates = await samTemplates(python, await samFiles())
  const root = samResources(templates.get(SAM_TEMPLATE)!, parameters)
  const children = Object.entries(root)
    .filter(([, { type }]) => type === 'AWS::Serverless::Application')
    .map(([name, resource]) => {
      const file = join(SAM, String(resource.properties['Location']))
      const made = nested(resource, SAM_TEMPLATE, templates)
      return { name, resource, made, alarms: nested(made['Alarms']!, file, templates) }
    })
  return { root, children }
}

export async function formsOfSam(python: string, parameters = EVERYTHING): Promise<Forms> {
  const { root, children } = await samStack(python, parameters)
  const sources = children.map(({ resource, made, alarms }) => [kindOf(resource), formOf(made, alarms)] as const)
  return { sources: Object.fromEntries(sources), alarms: alarmsOf(root) }
}

/** Templates for one kind do not say it. */
function kindOf({ properties }: SamResource): string {
  const { Kind } = properties['Parameters'] as { Kind?: string }
  return Kind ?? (String(properties['Location']).includes('http') ? 'url' : 'firehose')
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/<DeadLetters(?:\.\w+)?>/g, 'DEAD_LETTERS'],
  [/<StreamLog\.Arn>/g, 'STREAM_LOG'],
  [/<Log\.Arn>/g, 'LOG'],
  [/<Queue(?:\.\w+)?>/g, 'QUEUE'],
  [/<Function(?:\.Arn)?>/g, 'FUNCTION'],
  [/arn:aws:s3:::<Bucket>/g, 'LAKE'],
  [/stack-(?:msk|kafka)/g, 'lake'],
]

function worded(resources: SamResources): SamResources {
  const text = WORDS.reduce((before, [from, to]) => before.replaceAll(from, to), JSON.stringify(resources))
  return JSON.parse(text) as SamResources
}

function alarmsOf(resources: SamResources): string[] {
  const alarms = Object.values(resources).filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
  return alarmForms(alarms.map(({ properties }) => properties))
}

function statementsOf(policy: SamResource | undefined): [] {
  return (policy!.properties['PolicyDocument'] as { Statement: [] }).Statement
}

function inline(role: SamResource | undefined): [] {
  const [policy] = role!.properties['Policies'] as readonly { PolicyDocument: { Statement: [] } }[]
  return policy!.PolicyDocument.Statement
}

function formOf(resources: SamResources, alarms: SamResources): SourceForm {
  const made = worded(resources)
  const { Timeout, MemorySize, Environment } = made['Function']!.properties
  const { Mapping, Queue, DeadLetters, Rule, Subscription, Stream } = made
  const policies = ['QueuePolicy', 'DeadLettersPolicy'].filter((name) => name in made)
  return {
    timeout: Timeout!,
    memory: MemorySize!,
    settings: settingsForm((Environment as { Variables: Fields }).Variables),
    rights: rights(inline(made['FunctionRole'])),
    ...(Mapping ? { mapping: mappingForm(Mapping.properties) } : {}),
    ...(Queue ? { queue: Queue.properties } : {}),
    ...(DeadLetters ? { deadLetters: DeadLetters.properties } : {}),
    ...(DeadLetters ? { senders: policies.map((name) => senders(statementsOf(made[name]))) } : {}),
    ...(Rule ? { rule: ruleOf(Rule.properties) } : {}),
    ...(Subscription ? { subscription: Subscription.properties } : {}),
    ...(Stream ? { stream: streamForm(Stream.properties, inline(made['StreamRole']), 'firehose/records') } : {}),
    alarms: alarmsOf(alarms),
  }
}

function ruleOf({ EventPattern, Targets }: Fields): Fields {
  return { EventPattern: EventPattern!, target: without((Targets as readonly Fields[])[0]!, 'Id') }
}

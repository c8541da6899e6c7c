/** Stacks with a lake, as templates. */
import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { App, Stack, Token, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { SecurityGroup, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Stream, StreamEncryption } from 'aws-cdk-lib/aws-kinesis'
import { Key } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { DataShardLake } from '../../infra/lib/index.ts'
import type { DataShardLakeProps, KafkaSource } from '../../infra/lib/index.ts'

/** A stack whose functions are not bundled: what is in them is another test's matter. */
export function stackWith(props: (stack: Stack) => DataShardLakeProps): {
  app: App
  stack: Stack
  lake: DataShardLake
} {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const stack = new Stack(app, 'Test')
  return { app, stack, lake: new DataShardLake(stack, 'Lake', props(stack)) }
}

export function templateOf(props: DataShardLakeProps): Template {
  return Template.fromStack(stackWith(() => props).stack)
}

/** A lake that has all there is: every kind of source, a key of KMS, Glue, a topic for the alarms. */
export function everything(stack: Stack): DataShardLakeProps {
  const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true })
  const stream = new Stream(stack, 'Stream', { encryption: StreamEncryption.MANAGED })
  const topic = new Topic(stack, 'Topic', { enforceSSL: true })
  // The cast: CDK's own types do not go together under exactOptionalPropertyTypes.
  const table = new Table(stack, 'Orders', {
    partitionKey: { name: 'id', type: AttributeType.STRING },
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  }) as ITable
  return {
    encryptionKey,
    glueDatabase: 'lake',
    alarms: { topic },
    tables: {
      events: {
        prefix: 'prod/events',
        ingest: {
          queue: { source: { kind: 'queue' } },
          http: { source: { kind: 'url' } },
          bus: { source: { kind: 'events', pattern: { source: ['shop'] } } },
          topic: { source: { kind: 'topic', topic } },
        },
      },
      orders: {
        ingest: {
          clicks: { source: { kind: 'kinesis', stream } },
          changes: { source: { kind: 'dynamodb', table } },
          uploads: { source: { kind: 's3', bucket: uploads(stack), prefix: 'in/', suffix: '.ndjson' } },
          cluster: { source: { kind: 'msk', clusterArn: CLUSTER, topic: 'orders', consumerGroupId: 'lake' } },
          brokers: { source: brokers(stack) },
          hose: { source: { kind: 'firehose' } },
        },
      },
    },
  }
}

export const CLUSTER = 'arn:aws:kafka:us-east-1:123456789012:cluster/shop/abcd1234-abcd-cafe-abab-9876543210ab-4'
export const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:brokers-AbCdEf'

/** A bucket of somebody else's in the same stack. */
export function uploads(stack: Stack): IBucket {
  const bucket = new Bucket(stack, 'Uploads', { enforceSSL: true, blockPublicAccess: BlockPublicAccess.BLOCK_ALL })
  Validations.of(bucket).acknowledge({ id: 'AwsSolutions-S1', reason: "the tests' own bucket" })
  return bucket as IBucket
}

/** Brokers in a network of the account. */
export function brokers(stack: Stack): KafkaSource {
  const subnet = Subnet.fromSubnetId(stack, 'Subnet', 'subnet-1')
  const network = { availabilityZones: ['us-east-1a'], privateSubnetIds: ['subnet-1'], vpcId: 'vpc-1' }
  return {
    kind: 'kafka',
    bootstrapServers: ['broker-1.example.com:9092', 'broker-2.example.com:9092'],
    topic: 'clicks',
    secret: Secret.fromSecretCompleteArn(stack, 'Secret', SECRET),
    network: {
      vpc: Vpc.fromVpcAttributes(stack, 'Vpc', network),
      subnets: { subnets: [subnet] },
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1'),
    },
  }
}

/** The smallest lake. */
export const ONE_TABLE: DataShardLakeProps = { tables: { events: {} } }

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

interface Resource {
  readonly Type: string
  readonly Properties: { readonly [key: string]: Json }
}

export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>
}

/** A part of a template as AWS would see it once deployed: references replaced by what `names` has for them. */
export function deployed(part: Json, names: (logicalId: string, attribute: string) => string): Json {
  if (Array.isArray(part)) return part.map((one) => deployed(one as Json, names))
  if (part === null || typeof part !== 'object') return Token.isUnresolved(part) ? fail(part) : part
  const record = part as { readonly [key: string]: Json }
  const [key = ''] = Object.keys(record)
  if (key === 'Ref') return names(String(record[key]), 'Ref')
  if (key === 'Fn::GetAtt') {
    const [logicalId, attribute] = record[key] as readonly string[]
    return names(logicalId!, attribute!)
  }
  if (key === 'Fn::Join') {
    const [separator, parts] = record[key] as readonly [string, readonly Json[]]
    return parts.map((one) => String(deployed(one, names))).join(separator)
  }
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, deployed(value, names)]))
}

function fail(part: Json): never {
  throw new Error(`a token was left in the template: ${String(part)}`)
}

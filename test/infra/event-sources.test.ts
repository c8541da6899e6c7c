/** Buckets, Kafka and Firehose: what is made for them, and what their roles may do. */
import type { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { AuthenticationMethod } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Bucket, BucketEncryption, EventType } from 'aws-cdk-lib/aws-s3'
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications'
import type { IBucketNotificationDestination } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { IngestProps, Source } from '../../infra/lib/index.ts'
import { temporaryDirectory } from '../support/tables.ts'
import { judge } from './policy.ts'
import type { Statement } from './policy.ts'
import { brokers, CLUSTER, deployed, everything, resourcesOf, SECRET, stackWith, uploads } from './synth.ts'
import type { Json } from './synth.ts'
import { infraPython } from './tools.ts'

const run = promisify(execFile)
const python = await infraPython()

/** A lake of one table with one source, and what the role of its function may do beside appending to the table. */
function lakeWith(source: (stack: Stack) => Source, more: Partial<IngestProps> = {}) {
  const made = stackWith((stack) => ({ tables: { events: { ingest: { in: { source: source(stack), ...more } } } } }))
  const template = Template.fromStack(made.stack)
  return { ...made, template, statements: statementsOf(template, 'FunctionRole') }
}

/** Of the policies that belong to a role alone. */
function statementsOf(template: Template, role: string): Statement[] {
  const policies = Object.values(resourcesOf(template, 'AWS::IAM::Policy')).filter(({ Properties }) =>
    JSON.stringify(Properties['Roles']).includes(`EventsIn${role}`),
  )
  const names = (id: string, attribute: string) =>
    id === 'AWS::Partition' ? 'aws' : id.startsWith('Uploads') ? 'arn:aws:s3:::uploads' : `${id}.${attribute}`
  return policies.flatMap(
    ({ Properties }) =>
      (deployed(Properties['PolicyDocument'] as Json, names) as unknown as { Statement: Statement[] }).Statement,
  )
}

const ROOT_SECRET = SECRET.replace('brokers-AbCdEf', 'root-GhIjKl')

const can = (statements: readonly Statement[], action: string, resource: string, context = {}) =>
  judge(statements, { action, resource, context }).allowed

function alarmOn(template: Template, metric: string) {
  const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm'))
  return alarms.find(({ Properties }) => Properties['MetricName'] === metric)!.Properties
}

/** The event source mapping of the only source. */
function mappingOf(template: Template) {
  const [mapping, ...others] = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'))
  expect(others).toEqual([])
  return mapping!.Properties
}

test.skipIf(python === undefined)(
  'cfn-lint has nothing against a lake with everything',
  { timeout: 180_000 },
  async () => {
    await using folder = await temporaryDirectory()
    const file = join(folder.path, 'template.json')
    await writeFile(file, JSON.stringify(Template.fromStack(stackWith(everything).stack).toJSON()))
    const args = ['--ignore-checks', 'W3005', '--', file]
    const lint = run(python!, ['-c', 'from cfnlint.runner.cli import main; main()', ...args])
    await expect(lint).resolves.toMatchObject({ stdout: '' })
  },
)

describe('objects of a bucket', () => {
  const source = (stack: Stack): Source => ({ kind: 's3', bucket: uploads(stack), prefix: 'in/', suffix: '.ndjson' })

  test('come by EventBridge into a queue, whole, with dead letters on both ways', () => {
    const { template } = lakeWith(source)
    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    })
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [{ Ref: Match.anyValue() }] }, object: { key: [{ wildcard: 'in/*.ndjson' }] } },
      },
      Targets: [{ Arn: Match.anyValue(), Id: Match.anyValue(), DeadLetterConfig: Match.anyValue() }],
    })
    expect(mappingOf(template)).toMatchObject({ BatchSize: 10, EventSourceArn: {} })
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DATASHARD_SOURCE: 's3' }) },
      Timeout: 300,
    })
    // No function of CDK's that may change the notifications of every bucket.
    expect(Object.keys(resourcesOf(template, 'Custom::S3BucketNotifications'))).toEqual([])
  })

  test('the function reads those under the prefix, learns what is gone, and can do nothing else there', () => {
    const { statements } = lakeWith(source)
    for (const action of ['s3:GetObject', 's3:GetObjectVersion']) {
      expect(can(statements, action, 'arn:aws:s3:::uploads/in/a.ndjson')).toBe(true)
      expect(can(statements, action, 'arn:aws:s3:::uploads/private/a.ndjson')).toBe(false)
    }
    const listing = (prefix: string) => ({ 's3:prefix': prefix })
    expect(can(statements, 's3:ListBucket', 'arn:aws:s3:::uploads')).toBe(true)
    expect(can(statements, 's3:ListBucket', 'arn:aws:s3:::uploads', listing('in/2026'))).toBe(true)
    expect(can(statements, 's3:ListBucket', 'arn:aws:s3:::uploads', listing('private/'))).toBe(false)
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutBucketNotification']) {
      expect(can(statements, action, 'arn:aws:s3:::uploads/in/a.ndjson')).toBe(false)
    }
  })

  test.each([
    [{ prefix: 'in/' }, { object: { key: [{ prefix: 'in/' }] } }],
    [{ suffix: '.csv' }, { object: { key: [{ wildcard: '*.csv' }] } }],
    [{}, {}],
  ])('with %j the rule asks for %j', (only, expected) => {
    const { template } = lakeWith((stack) => ({ kind: 's3', bucket: uploads(stack), ...only }))
    const [rule] = Object.values(resourcesOf(template, 'AWS::Events::Rule')).filter(
      ({ Properties }) => Properties['EventPattern'] !== undefined,
    )
    const { detail } = rule!.Properties['EventPattern'] as unknown as { detail: object }
    expect(detail).toEqual({ bucket: { name: [{ Ref: expect.any(String) }] }, ...expected })
  })

  test('of a bucket that is encrypted by a key of KMS the function may decrypt, and not encrypt', () => {
    const { template } = lakeWith((stack) => ({
      kind: 's3',
      bucket: new Bucket(stack, 'Secret', { encryption: BucketEncryption.KMS }) as never,
    }))
    const statements = statementsOf(template, 'FunctionRole')
    const [key] = Object.keys(resourcesOf(template, 'AWS::KMS::Key'))
    expect(can(statements, 'kms:Decrypt', `${key}.Arn`)).toBe(true)
    expect(can(statements, 'kms:GenerateDataKey', `${key}.Arn`)).toBe(false)
  })

  test.each([{ prefix: 'in/*' }, { suffix: '?' }, { prefix: '${aws:username}/' }])('%j is refused', (only) => {
    expect(() => lakeWith((stack) => ({ kind: 's3', bucket: uploads(stack), ...only }))).toThrow('s3: the')
  })

  test('a bucket that tells others too has to be asked for EventBridge, or CDK would switch it off again', () => {
    const synth = (eventBridgeEnabled: boolean) => {
      const { stack } = stackWith((inner) => {
        const bucket = new Bucket(inner, 'Shared', { eventBridgeEnabled })
        const destination = new SqsDestination(new Queue(inner, 'Other'))
        bucket.addEventNotification(EventType.OBJECT_CREATED, destination as IBucketNotificationDestination)
        return { tables: { events: { ingest: { in: { source: { kind: 's3', bucket: bucket as never } } } } } }
      })
      return stack
    }
    expect(() => Template.fromStack(synth(false))).toThrow('eventBridgeEnabled: true')
    expect(() => Template.fromStack(synth(true))).not.toThrow()
  })

  test("a bucket of another stack's is read by its ARN", () => {
    const { template, statements } = lakeWith((stack) => ({
      kind: 's3',
      bucket: Bucket.fromBucketName(stack, 'Elsewhere', 'elsewhere'),
      prefix: 'in/',
    }))
    expect(can(statements, 's3:GetObject', 'arn:aws:s3:::elsewhere/in/a')).toBe(true)
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { detail: { bucket: { name: ['elsewhere'] } } },
    })
  })
})

describe('Kafka', () => {
  const letters = { DestinationConfig: { OnFailure: { Destination: {} } }, MaximumRetryAttempts: 10 }
  const whole = { BisectBatchOnFunctionError: false, ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 4 } }

  test('of MSK: by the role alone it reads one topic as one group', () => {
    const { template, statements } = lakeWith(() => ({ kind: 'msk', clusterArn: CLUSTER, topic: 'orders' }))
    const mapping = mappingOf(template)
    expect(mapping).toMatchObject({ ...letters, ...whole, EventSourceArn: CLUSTER, Topics: ['orders'] })
    expect(mapping['SourceAccessConfigurations']).toBeUndefined()
    const { ConsumerGroupId } = mapping['AmazonManagedKafkaEventSourceConfig'] as { ConsumerGroupId: string }
    const within = (type: string, name: string) => `${CLUSTER.replace(':cluster/', `:${type}/`)}/${name}`
    expect(can(statements, 'kafka:GetBootstrapBrokers', CLUSTER)).toBe(true)
    expect(can(statements, 'kafka-cluster:Connect', CLUSTER)).toBe(true)
    expect(can(statements, 'kafka-cluster:ReadData', within('topic', 'orders'))).toBe(true)
    expect(can(statements, 'kafka-cluster:ReadData', within('topic', 'others'))).toBe(false)
    expect(can(statements, 'kafka-cluster:WriteData', within('topic', 'orders'))).toBe(false)
    expect(can(statements, 'kafka-cluster:AlterGroup', within('group', ConsumerGroupId))).toBe(true)
    expect(can(statements, 'kafka-cluster:AlterGroup', within('group', 'others'))).toBe(false)
    // What AWS's own policy for it would grant.
    expect(JSON.stringify(template.toJSON())).not.toContain('AWSLambdaMSKExecutionRole')
  })

  test('of MSK with a secret: it reads that, and is nobody by its role', () => {
    const { template, statements } = lakeWith((stack) => ({
      kind: 'msk',
      clusterArn: CLUSTER,
      topic: 'orders',
      secret: Secret.fromSecretCompleteArn(stack, 'Secret', SECRET),
      pollers: { minimum: 2, maximum: 8 },
    }))
    expect(mappingOf(template)).toMatchObject({
      SourceAccessConfigurations: [{ Type: 'SASL_SCRAM_512_AUTH', URI: SECRET }],
      ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 8 },
    })
    expect(can(statements, 'secretsmanager:GetSecretValue', SECRET)).toBe(true)
    expect(can(statements, 'secretsmanager:GetSecretValue', `${SECRET}2`)).toBe(false)
    expect(can(statements, 'kafka-cluster:Connect', CLUSTER)).toBe(false)
  })

  test('elsewhere, in a network: the pollers enter it, by subnet and group', () => {
    const { template, statements } = lakeWith(brokers)
    expect(mappingOf(template)).toMatchObject({
      ...letters,
      ...whole,
      Topics: ['clicks'],
      SelfManagedEventSource: {
        Endpoints: { KafkaBootstrapServers: ['broker-1.example.com:9092', 'broker-2.example.com:9092'] },
      },
      SourceAccessConfigurations: [
        { Type: 'SASL_SCRAM_512_AUTH', URI: SECRET },
        { Type: 'VPC_SECURITY_GROUP', URI: 'sg-1' },
        { Type: 'VPC_SUBNET', URI: 'subnet-1' },
      ],
    })
    expect(can(statements, 'ec2:CreateNetworkInterface', '*')).toBe(true)
  })

  test('elsewhere, in the internet: with a secret of the kind that is said, and the certificate of its owner', () => {
    const { template, statements } = lakeWith((stack) => ({
      kind: 'kafka',
      bootstrapServers: ['b:9092'],
      topic: 'clicks',
      secret: Secret.fromSecretCompleteArn(stack, 'Secret', SECRET),
      authenticationMethod: AuthenticationMethod.CLIENT_CERTIFICATE_TLS_AUTH,
      rootCACertificate: Secret.fromSecretCompleteArn(stack, 'Root', ROOT_SECRET),
    }))
    expect(mappingOf(template)['SourceAccessConfigurations']).toEqual([
      { Type: 'CLIENT_CERTIFICATE_TLS_AUTH', URI: SECRET },
      { Type: 'SERVER_ROOT_CA_CERTIFICATE', URI: ROOT_SECRET },
    ])
    expect(can(statements, 'secretsmanager:GetSecretValue', ROOT_SECRET)).toBe(true)
    expect(can(statements, 'ec2:CreateNetworkInterface', '*')).toBe(false)
  })

  test('brokers that nobody could reach are refused', () => {
    const kafka = { kind: 'kafka', topic: 't' } as const
    expect(() => lakeWith(() => ({ ...kafka, bootstrapServers: ['b:9092'] }))).toThrow('need a secret')
    expect(() => lakeWith((stack) => ({ ...brokers(stack), bootstrapServers: [] }))).toThrow('no broker')
  })

  test('what waits is an alarm by records, ten batches of them', () => {
    const { template } = lakeWith(() => ({ kind: 'msk', clusterArn: CLUSTER, topic: 'orders' }), { batchSize: 200 })
    expect(alarmOn(template, 'OffsetLag')).toMatchObject({ Namespace: 'AWS/Lambda', Threshold: 2000 })
  })
})

describe('Firehose', () => {
  test('calls the function for each batch, and puts what failed under a prefix of the lake', () => {
    const { template } = lakeWith(() => ({ kind: 'firehose' }), { batchWindowSeconds: 30 })
    template.hasResourceProperties('AWS::KinesisFirehose::DeliveryStream', {
      DeliveryStreamType: 'DirectPut',
      DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
      ExtendedS3DestinationConfiguration: {
        ErrorOutputPrefix: 'firehose/EventsIn/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/',
        ProcessingConfiguration: {
          Enabled: true,
          Processors: [
            {
              Type: 'Lambda',
              Parameters: Match.arrayWith([
                { ParameterName: 'NumberOfRetries', ParameterValue: '4' },
                { ParameterName: 'BufferSizeInMBs', ParameterValue: '1' },
                { ParameterName: 'BufferIntervalInSeconds', ParameterValue: '30' },
              ]),
            },
          ],
        },
      },
    })
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DATASHARD_FIREHOSE: 'drop' }) },
    })
    // Its rights have to be there when it is made.
    const [stream] = Object.values(resourcesOf(template, 'AWS::KinesisFirehose::DeliveryStream'))
    const { DependsOn } = stream as unknown as { DependsOn: string[] }
    expect(DependsOn).toEqual(expect.arrayContaining([expect.stringContaining('StreamRoleDefaultPolicy')]))
  })

  test('its role calls one function, and writes under one prefix', () => {
    const { template } = lakeWith((stack) => ({
      kind: 'firehose',
      bucket: uploads(stack),
      prefix: 'raw/clicks',
      keep: 'records',
    }))
    const statements = statementsOf(template, 'StreamRole')
    const [lambda] = Object.keys(resourcesOf(template, 'AWS::Lambda::Function')).filter((id) => id.includes('EventsIn'))
    expect(can(statements, 'lambda:InvokeFunction', `${lambda}.Arn`)).toBe(true)
    expect(can(statements, 'lambda:InvokeFunction', 'another.Arn')).toBe(false)
    expect(can(statements, 's3:PutObject', 'arn:aws:s3:::uploads/raw/clicks/records/a')).toBe(true)
    expect(can(statements, 's3:PutObject', 'arn:aws:s3:::uploads/raw/other')).toBe(false)
    expect(can(statements, 's3:GetObject', 'arn:aws:s3:::uploads/raw/clicks/records/a')).toBe(false)
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'firehose.amazonaws.com' },
            Condition: { StringEquals: { 'sts:ExternalId': { Ref: 'AWS::AccountId' } } },
          }),
        ],
      },
    })
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DATASHARD_FIREHOSE: 'pass' }) },
    })
  })

  test('what it holds for too long is an alarm, the time of its own buffers not counted', () => {
    const { template } = lakeWith(() => ({ kind: 'firehose' }), { batchWindowSeconds: 60 })
    const alarm = alarmOn(template, 'DeliveryToS3.DataFreshness')
    expect(alarm).toMatchObject({ Namespace: 'AWS/Firehose', Threshold: 660 })
  })

  test('a function that Firehose would not wait for, and a prefix that is none, are refused', () => {
    expect(() => lakeWith(() => ({ kind: 'firehose' }), { timeoutSeconds: 301 })).toThrow('300 s')
    expect(() => lakeWith(() => ({ kind: 'firehose', prefix: '*' }))).toThrow('prefix')
  })
})

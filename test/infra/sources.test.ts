import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { everything, resourcesOf, stackWith } from './synth.ts'

const template = Template.fromStack(stackWith(everything).stack)
const checkHas = template.hasResourceProperties.bind(template)

describe('sources', () => {
  test('every mapping reports partial failures, and gathers records', () => {
    const mappings = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'))
    expect(mappings).toHaveLength(8)
    for (const { Properties } of mappings) {
      expect(Properties).toMatchObject({
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        MaximumBatchingWindowInSeconds: 5,
      })
    }
    // An object of S3 is an append of its own.
    expect(mappings.map(({ Properties }) => Properties['BatchSize']).toSorted()).toEqual([10, ...Array(7).fill(1000)])
  })

  test('streams give up a batch after some tries, whole, and say which', () => {
    for (const { Properties } of Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'))) {
      if (Properties['StartingPosition'] === undefined) continue
      expect(Properties).toMatchObject({
        BisectBatchOnFunctionError: false,
        MaximumRetryAttempts: 10,
        DestinationConfig: { OnFailure: { Destination: {} } },
      })
    }
  })

  test('every queue made for records has dead letters, and outlasts retries of the function', () => {
    const queues = Object.values(resourcesOf(template, 'AWS::SQS::Queue'))
    const working = queues.filter(({ Properties }) => Properties['RedrivePolicy'] !== undefined)
    // The queue, the topic's, the bus's, the bucket's; and the dead letters of the eight sources that have them.
    expect(working).toHaveLength(4)
    expect(queues).toHaveLength(12)
    for (const { Properties } of working) expect(Properties).toMatchObject({ RedrivePolicy: { maxReceiveCount: 5 } })
    // Six times that of the function, which for objects is 300 s.
    const timeouts = working.map(({ Properties }) => Properties['VisibilityTimeout'])
    expect(timeouts.toSorted()).toEqual([1800, 360, 360, 360])
    for (const { Properties } of queues) {
      expect(Properties).toMatchObject({ MessageRetentionPeriod: 1_209_600, KmsMasterKeyId: {} })
    }
  })

  test('a topic delivers messages as they were published, a bus the detail of its events', () => {
    checkHas('AWS::SNS::Subscription', {
      Protocol: 'sqs',
      RawMessageDelivery: true,
      RedrivePolicy: Match.anyValue(),
    })
    checkHas('AWS::Events::Rule', {
      EventPattern: { source: ['shop'] },
      Targets: [Match.objectLike({ InputPath: '$.detail', DeadLetterConfig: Match.anyValue() })],
    })
  })

  test('a function URL asks for signed requests', () => {
    checkHas('AWS::Lambda::Url', { AuthType: 'AWS_IAM' })
  })

  test('every function knows its table, has a log that ends, and runs on a Node that DataShard supports', () => {
    const functions = Object.values(resourcesOf(template, 'AWS::Lambda::Function'))
    expect(functions).toHaveLength(12)
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: { LogGroup: {} },
      })
      expect(JSON.stringify(Properties['Environment'])).toMatch(/DATASHARD_/)
    }
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
  })
})

import { Match, Template } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { everything, ONE_TABLE, resourcesOf, stackWith, templateOf } from './synth.ts'

const small = templateOf(ONE_TABLE)
const large = Template.fromStack(stackWith(everything).stack)

/** The template has such a resource, or the test fails with the nearest one. */
const checkHas = (template: Template, type: string, properties: object) =>
  template.hasResourceProperties(type, properties)

/** Of the bucket of the tables, not that of its logs. */
function lakeBucketOf(template: Template) {
  const [bucket] = Object.values(resourcesOf(template, 'AWS::S3::Bucket')).filter(
    ({ Properties }) => Properties['VersioningConfiguration'] !== undefined,
  )
  return bucket!
}

describe('the bucket', () => {
  test('is private, encrypted, versioned, and stays when the stack goes', () => {
    for (const bucket of Object.values(resourcesOf(small, 'AWS::S3::Bucket'))) {
      expect(bucket).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          PublicAccessBlockConfiguration: {
            BlockPublicAcls: true,
            BlockPublicPolicy: true,
            IgnorePublicAcls: true,
            RestrictPublicBuckets: true,
          },
          BucketEncryption: { ServerSideEncryptionConfiguration: [{}] },
        },
      })
    }
    expect(lakeBucketOf(small).Properties['VersioningConfiguration']).toEqual({ Status: 'Enabled' })
  })

  test('no lifecycle rule can delete or archive a live object', () => {
    for (const template of [small, large]) {
      const rules = lakeBucketOf(template).Properties['LifecycleConfiguration'] as { Rules: Record<string, unknown>[] }
      expect(rules.Rules.flatMap((rule) => Object.keys(rule)).toSorted()).toEqual(
        [
          'Id',
          'Status',
          'AbortIncompleteMultipartUpload',
          'Id',
          'Status',
          'NoncurrentVersionExpiration',
          'ExpiredObjectDeleteMarker',
        ].toSorted(),
      )
    }
  })

  test('refuses versions without the condition, and requests without TLS, whoever sends them', () => {
    checkHas(small, 'AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({
            Sid: 'VersionsAreCreatedOnce',
            Effect: 'Deny',
            Principal: '*',
            Action: 's3:PutObject',
            Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
          }),
        ]),
      },
    })
  })

  test('with a key of KMS it encrypts by that, and its roles may use it', () => {
    const [rule] = (
      lakeBucketOf(large).Properties['BucketEncryption'] as { ServerSideEncryptionConfiguration: object[] }
    ).ServerSideEncryptionConfiguration
    expect(rule).toMatchObject({ BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } })
    checkHas(large, 'AWS::IAM::ManagedPolicy', {
      Description: Match.stringLikeRegexp('^Append'),
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'] })]),
      },
    })
  })
})

describe('roles', () => {
  test('no function can do more with S3 than append, sweep, or read: no wildcard in actions, no resource beyond a table', () => {
    for (const template of [small, large]) {
      const policies = [
        ...Object.values(resourcesOf(template, 'AWS::IAM::ManagedPolicy')),
        ...Object.values(resourcesOf(template, 'AWS::IAM::Policy')),
      ]
      expect(policies.length).toBeGreaterThan(3)
      for (const { Properties } of policies) {
        const { Statement } = Properties['PolicyDocument'] as unknown as {
          Statement: { Action: string | string[]; Resource: unknown }[]
        }
        for (const { Action, Resource } of Statement) {
          expect([Action].flat().filter((action) => /^s3:.*\*|^\*/.test(action))).toEqual([])
          const onS3 = [Action].flat().some((action) => action.startsWith('s3:'))
          // The tables' bucket, or that of others by the prefix that was given.
          if (onS3)
            expect(JSON.stringify(Resource)).toMatch(/LakeBucket\w+","Arn"\]\}|Uploads\w+","Arn"\]\}(?:,"\/in\/\*"|$)/)
        }
      }
    }
  })

  test('only the maintainer may delete', () => {
    const deleting = Object.entries(resourcesOf(large, 'AWS::IAM::ManagedPolicy')).filter(([, { Properties }]) =>
      JSON.stringify(Properties['PolicyDocument']).includes('s3:Delete'),
    )
    expect(deleting.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'LakeEventsMaintainer',
      'LakeOrdersMaintainer',
    ])
    const roles = Object.entries(resourcesOf(large, 'AWS::IAM::Role')).filter(([, { Properties }]) =>
      JSON.stringify(Properties['ManagedPolicyArns'] ?? '').includes('Maintainer'),
    )
    expect(roles.map(([id]) => id)).toEqual([expect.stringMatching(/^LakeMaintenanceFunctionRole/)])
  })

  test('a prefix that would reach into other tables is refused', () => {
    for (const prefix of ['', '*', 'a/*', '/a', 'a/', 'a//b', 'a?']) {
      expect(() => templateOf({ tables: { events: { prefix } } }), prefix).toThrow('prefix')
    }
    expect(() => templateOf({ tables: {} })).toThrow('at least one table')
    expect(() => templateOf({ tables: { 'my events': {} } })).toThrow("table 'my events'")
  })
})

describe('what an operator sees', () => {
  test('each alarm says what to do, and the topic is told when it goes on and off', () => {
    const alarms = Object.entries(resourcesOf(large, 'AWS::CloudWatch::Alarm'))
    expect(alarms.length).toBeGreaterThan(20)
    for (const [, { Properties }] of alarms) {
      expect(Properties['AlarmDescription']).toMatch(/docs\/operations\.md/)
      expect(Properties).toMatchObject({ AlarmActions: [{}], OKActions: [{}] })
    }
    const names = alarms.map(([id]) => id.replace(/^LakeAlarms/, '').replace(/[0-9A-F]{8}$/, ''))
    expect(names).toEqual(
      expect.arrayContaining([
        'EventsFailedAppends',
        'EventsContention',
        'EventsAttempts',
        'SweepErrors',
        'SweepDidNotRun',
        'RegisterErrors',
        'EventsQueueErrors',
        'EventsQueueRejected',
        'EventsQueueThrottled',
        'EventsQueueOldestRecord',
        'EventsQueueDeadLetters',
        'OrdersClicksOldestRecord',
        'OrdersChangesOldestRecord',
        'OrdersChangesDeadLetters',
        'OrdersUploadsOldestRecord',
        'OrdersUploadsDeadLetters',
        'OrdersClusterOldestRecord',
        'OrdersClusterDeadLetters',
        'OrdersBrokersOldestRecord',
        'OrdersHoseOldestRecord',
        'OrdersHoseRejected',
      ]),
    )
  })

  test('the sweep that does not run is an alarm though there is no data', () => {
    checkHas(small, 'AWS::CloudWatch::Alarm', {
      MetricName: 'Invocations',
      TreatMissingData: 'breaching',
      Period: 86_400,
    })
  })

  test('there is a dashboard with all alarms, and the outputs name what one needs next', () => {
    const [dashboard] = Object.values(resourcesOf(large, 'AWS::CloudWatch::Dashboard'))
    const body = JSON.stringify(dashboard)
    for (const id of Object.keys(resourcesOf(large, 'AWS::CloudWatch::Alarm'))) expect(body).toContain(id)
    const outputs = Object.keys(large.findOutputs('*')).map((id) => id.replace(/[0-9A-F]{8}$/, ''))
    expect(outputs).toEqual(
      expect.arrayContaining(['LakeBucketName', 'LakeEventsLocation', 'LakeEventsWriterArn', 'LakeEventsHttpUrl']),
    )
  })
})

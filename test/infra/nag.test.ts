import { Validations } from 'aws-cdk-lib'
import type { Stack } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'
import { expect, test } from 'vitest'
import type { DataShardLakeProps } from '../../infra/lib/index.ts'
import { everything, ONE_TABLE, stackWith } from './synth.ts'

/** What cdk-nag's AwsSolutions pack finds: an error that lists it, or nothing. */
function nag(props: (stack: Stack) => DataShardLakeProps, spoil: (stack: Stack) => void = () => undefined): void {
  const { app, stack } = stackWith(props)
  spoil(stack)
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  app.synth()
}

test('cdk-nag has nothing against a small lake, with or without access logs', () => {
  expect(() => nag(() => ONE_TABLE)).not.toThrow()
  expect(() => nag(() => ({ ...ONE_TABLE, keepAccessLogsDays: 0 }))).not.toThrow()
})

test('cdk-nag has nothing against a lake with everything', () => {
  expect(() => nag(everything)).not.toThrow()
})

test('cdk-nag has nothing against buckets that are made elsewhere', () => {
  const props = (stack: Stack): DataShardLakeProps => {
    const bucket = Bucket.fromBucketName(stack, 'Elsewhere', 'elsewhere')
    const ingest = { in: { source: { kind: 's3', bucket } }, hose: { source: { kind: 'firehose', bucket } } } as const
    return { tables: { events: { ingest } } }
  }
  expect(() => nag(props)).not.toThrow()
})

test('cdk-nag would say so', async () => {
  const { Queue } = await import('aws-cdk-lib/aws-sqs')
  expect(() =>
    nag(
      () => ONE_TABLE,
      (stack) => void new Queue(stack, 'Careless'),
    ),
  ).toThrow(/Test\/Careless[\s\S]*AwsSolutions-SQS4/)
})

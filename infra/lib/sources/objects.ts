/**
 * Notifications of buckets, by EventBridge: CDK's own way to set S3's notifications up is a function that may change those of every
 * bucket of the account (docs/decisions/infra.md).
 */
import { CfnResource, Stack } from 'aws-cdk-lib'
import type { EventPattern } from 'aws-cdk-lib/aws-events'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { CfnBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledgeWildcards, keysForNag } from '../nag.ts'
import type { ObjectSource } from './source.ts'

/** No wildcards, of EventBridge or of IAM. */
const PLAIN = /^[\w.=/-]*$/

/** The events of objects that are new or were replaced. */
export function newObjects({ bucket, prefix = '', suffix = '' }: ObjectSource): EventPattern {
  for (const [name, text] of Object.entries({ prefix, suffix })) {
    if (!PLAIN.test(text)) throw new Error(`s3: the ${name} '${text}' may have letters, digits and / . = _ - only`)
  }
  const keys = suffix === '' ? { prefix } : { wildcard: `${prefix}*${suffix}` }
  return {
    source: ['aws.s3'],
    detailType: ['Object Created'],
    detail: { bucket: { name: [bucket.bucketName] }, ...(prefix + suffix === '' ? {} : { object: { key: [keys] } }) },
  }
}

/** What the handler asks of the objects that it is told of; the right to list makes S3 say 404 of one that is gone. */
export function mayRead({ bucket, prefix = '' }: ObjectSource, lambda: LambdaFunction): void {
  const keys = `${bucket.bucketArn}/${prefix}*`
  lambda.addToRolePolicy(
    new PolicyStatement({ sid: 'ReadObjects', actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: [keys] }),
  )
  lambda.addToRolePolicy(
    new PolicyStatement({
      sid: 'KnowWhatIsGone',
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLikeIfExists: { 's3:prefix': [`${prefix}*`] } },
    }),
  )
  bucket.encryptionKey?.grantDecrypt(lambda)
  const reason = 'the keys are made up by whoever puts objects there; the prefix is what bounds the right'
  if (lambda.role) acknowledgeWildcards(lambda.role, { [keysForNag(bucket, `${prefix}*`)]: reason })
}

/** Switches EventBridge on for a bucket of this app, and says so where something else would switch it off again. */
export function tellEventBridge(scope: Construct, { bucket }: ObjectSource): void {
  const resource = bucketOf(bucket)
  if (resource === undefined) return
  const known = Stack.of(resource).resolve(resource.notificationConfiguration ?? {}) as object
  resource.notificationConfiguration = { ...known, eventBridgeConfiguration: { eventBridgeEnabled: true } }
  scope.node.addValidation({
    validate: () => {
      // What CDK makes for `addEventNotification` sets the whole configuration, after the bucket was made.
      const custom = bucket.node.tryFindChild('Notifications')?.node.tryFindChild('Resource')
      const isKept = custom === undefined || JSON.stringify(rendered(custom as CfnResource)).includes('EventBridge')
      return isKept ? [] : [`${bucket.node.path} has notifications of its own: say eventBridgeEnabled: true there`]
    },
  })
}

function bucketOf({ node }: ObjectSource['bucket']): CfnBucket | undefined {
  const child = node.defaultChild
  const isBucket = CfnResource.isCfnResource(child!) && child.cfnResourceType === 'AWS::S3::Bucket'
  return isBucket ? (child as CfnBucket) : undefined
}

function rendered(resource: CfnResource): unknown {
  // oxlint-disable-next-line no-underscore-dangle -- the name is CDK's, and nothing else says what a resource will be
  return Stack.of(resource).resolve(resource._toCloudFormation())
}

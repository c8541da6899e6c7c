/** What cdk-nag asks about rights, answered with reasons: it asks about every wildcard, and takes a reason only for each by its name. */
import { Stack, Validations } from 'aws-cdk-lib'
import type { CfnElement } from 'aws-cdk-lib'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { IConstruct } from 'constructs'

/** @param findings reasons by what is found: `Resource::*`, `Action::s3:Get*` */
export function acknowledgeWildcards(on: IConstruct, findings: Readonly<Record<string, string>>): void {
  Validations.of(on).acknowledge(
    ...Object.entries(findings).map(([finding, reason]) => ({ id: `AwsSolutions-IAM5[${finding}]`, reason })),
  )
}

/** What CDK grants with the right to encrypt by a key. */
export function encryptingWildcards(reason: string): Record<string, string> {
  return { 'Action::kms:ReEncrypt*': reason, 'Action::kms:GenerateDataKey*': reason }
}

/** Keys of a bucket as cdk-nag writes them: the bucket's ARN and a pattern. */
export function keysForNag(bucket: Pick<IBucket, 'node' | 'bucketName'>, pattern: string): string {
  const child = bucket.node.defaultChild
  const arn = child
    ? `<${Stack.of(child).getLogicalId(child as CfnElement)}.Arn>`
    : `arn:<AWS::Partition>:s3:::${bucket.bucketName}`
  return `Resource::${arn}/${pattern}`
}

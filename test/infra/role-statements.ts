/** The statements that the synthesised stack gives to a role, for a bucket of the tests. */
import { Template } from 'aws-cdk-lib/assertions'
import { deployed, resourcesOf, stackWith } from './synth.ts'
import type { Json } from './synth.ts'
import type { Role } from '../../infra/lib/index.ts'
import type { Statement } from './policy.ts'

/** The table's prefix in these stacks. */
export const PREFIX = 'prod/events'

const template = Template.fromStack(stackWith(() => ({ tables: { events: { prefix: PREFIX } } })).stack)

/** What the identity may do, by the managed policy of its role. */
export function identityStatements(role: Role, bucket: string): Statement[] {
  const name = `LakeEvents${role[0]!.toUpperCase()}${role.slice(1)}`
  const [policy] = Object.entries(resourcesOf(template, 'AWS::IAM::ManagedPolicy')).filter(([id]) =>
    id.startsWith(name),
  )
  return statementsOf(policy![1].Properties['PolicyDocument']!, bucket)
}

/** What the bucket's own policy says to everybody. */
export function bucketStatements(bucket: string): Statement[] {
  const [policy] = Object.entries(resourcesOf(template, 'AWS::S3::BucketPolicy')).filter(([id]) =>
    id.startsWith('LakeBucketPolicy'),
  )
  return statementsOf(policy![1].Properties['PolicyDocument']!, bucket)
}

function statementsOf(document: Json, bucket: string): Statement[] {
  const resolved = deployed(document, (logicalId, attribute) => {
    if (/^LakeBucket[0-9A-F]{8}$/.test(logicalId) && attribute === 'Arn') return `arn:aws:s3:::${bucket}`
    throw new Error(`the policy refers to ${logicalId}.${attribute}`)
  })
  return (resolved as unknown as { Statement: Statement[] }).Statement
}

/**
 * The same for MinIO's engine, which knows no `...IfExists`: such a statement is one for requests that have the value, and one
 * for those that do not.
 */
export function forMinio(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((statement) => {
    const optional = statement.Condition?.['StringLikeIfExists']
    if (optional === undefined) return [statement]
    const missing = Object.fromEntries(Object.keys(optional).map((key) => [key, 'true']))
    return [
      { ...statement, Sid: `${statement.Sid}1`, Condition: { StringLike: optional } },
      { ...statement, Sid: `${statement.Sid}2`, Condition: { Null: missing } },
    ]
  })
}

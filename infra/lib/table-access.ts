import { CfnOutput, Stack } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { accessStatements } from './access.ts'
import type { Role } from './access.ts'
import { acknowledgeWildcards, keysForNag } from './nag.ts'

const ROLES = ['reader', 'writer', 'maintainer'] as const
const PURPOSES: Record<Role, string> = {
  reader: 'Read the table',
  writer: 'Append to the table; neither delete nor replace a version',
  maintainer: 'Sweep and drop the table',
}

/** One table of a lake: where it is, and the three policies that may be attached to whoever works with it. */
export class LakeTable extends Construct {
  /** `s3://bucket/prefix`. */
  readonly location: string
  readonly reader: ManagedPolicy
  readonly writer: ManagedPolicy
  readonly maintainer: ManagedPolicy

  constructor(scope: Construct, id: string, props: { readonly bucket: Bucket; readonly prefix: string }) {
    super(scope, id)
    const { bucket, prefix } = props
    this.location = `s3://${bucket.bucketName}/${prefix}`
    const keyArn = bucket.encryptionKey?.keyArn
    const [reader, writer, maintainer] = ROLES.map((role) => {
      const place = { bucketArn: bucket.bucketArn, prefix, ...(keyArn === undefined ? {} : { keyArn }) }
      const policy = new ManagedPolicy(this, `${role[0]!.toUpperCase()}${role.slice(1)}`, {
        description: `${PURPOSES[role]} ${prefix} of ${Stack.of(this).stackName}`,
        statements: accessStatements(role, place).map((statement) => PolicyStatement.fromJson(statement)),
      })
      acknowledgePrefix(policy, bucket, prefix)
      new CfnOutput(policy, 'Arn', { value: policy.managedPolicyArn, description: PURPOSES[role] })
      return policy
    })
    this.reader = reader!
    this.writer = writer!
    this.maintainer = maintainer!
    new CfnOutput(this, 'Location', { value: this.location })
  }
}

function acknowledgePrefix(policy: ManagedPolicy, bucket: Bucket, prefix: string): void {
  const reason = 'those who write data files and versions make up their keys; the prefix is what bounds the rights'
  const keys = ['*', 'data/*', 'metadata/*'].map((pattern) => keysForNag(bucket, `${prefix}/${pattern}`))
  acknowledgeWildcards(policy, Object.fromEntries(keys.map((key) => [key, reason])))
}

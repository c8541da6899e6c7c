/**
 * What each role may do, as plain policy statements: one source for the constructs, the examples and the tests that run them
 * against a policy engine. Why each right is needed is said in docs/security.md.
 */

/** A statement of an IAM policy that goes to an identity. */
export interface AccessStatement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

export interface TablePlace {
  /** `arn:aws:s3:::bucket`. */
  readonly bucketArn: string
  /** The table's key prefix in it, without slashes at its ends: `prod/events`. */
  readonly prefix: string
  /** Of the KMS key that the bucket encrypts with, if there is one. */
  readonly keyArn?: string
}

export type Role = 'reader' | 'writer' | 'maintainer'

/**
 * The statements of a role.
 *
 * - reader: reads the table's objects, lists their names.
 * - writer: a reader that puts objects under `data/` and `metadata/`. No right to delete: what it cannot clean up stays as an orphan
 *   until a sweep.
 * - maintainer: a writer that deletes, for `sweep` and `dropTable`.
 */
export function accessStatements(role: Role, place: TablePlace): AccessStatement[] {
  const { bucketArn, prefix, keyArn } = place
  const written = ['data/*', 'metadata/*'].map((keys) => `${bucketArn}/${prefix}/${keys}`)
  const statements: AccessStatement[] = [
    {
      Sid: 'ListTable',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [bucketArn],
      // IfExists, because a GET of a missing key has no prefix, and S3 answers it with 404 only to who may list.
      Condition: { StringLikeIfExists: { 's3:prefix': [`${prefix}/*`] } },
    },
    { Sid: 'ReadTable', Effect: 'Allow', Action: ['s3:GetObject'], Resource: [`${bucketArn}/${prefix}/*`] },
  ]
  if (role !== 'reader') {
    const Action = ['s3:PutObject', 's3:AbortMultipartUpload']
    statements.push({ Sid: 'WriteTable', Effect: 'Allow', Action, Resource: written })
  }
  if (role === 'maintainer') {
    statements.push({ Sid: 'SweepTable', Effect: 'Allow', Action: ['s3:DeleteObject'], Resource: written })
  }
  if (keyArn !== undefined) {
    const Action = role === 'reader' ? ['kms:Decrypt'] : ['kms:Decrypt', 'kms:GenerateDataKey']
    statements.push({ Sid: 'UseKey', Effect: 'Allow', Action, Resource: [keyArn] })
  }
  return statements
}

/** The statement of a bucket policy that makes S3 refuse every create of a version that does not ask for it to be missing. */
export function versionsAreCreatedOnce(bucketArn: string) {
  return {
    Sid: 'VersionsAreCreatedOnce',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: `${bucketArn}/*/metadata/v*.metadata.json`,
    Condition: {
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    },
  } as const
}

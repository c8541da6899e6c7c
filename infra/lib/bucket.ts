import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { versionsAreCreatedOnce } from './access.ts'

/** Long enough to notice that something was overwritten or deleted that should not have been, and to bring it back. */
const DEFAULT_KEEP_NONCURRENT_DAYS = 7
const DEFAULT_KEEP_ACCESS_LOGS_DAYS = 90
const ABORT_UPLOADS_AFTER_DAYS = 2

export interface LakeBucketProps {
  /** Of KMS. Default: keys that S3 manages. */
  readonly encryptionKey?: IKey
  /** How many days S3's access logs are kept, in a bucket of their own; 0: none are written. Default 90. */
  readonly keepAccessLogsDays?: number
  /** How many days a replaced or deleted object can still be brought back. Default 7. */
  readonly keepNoncurrentDays?: number
}

/** What every bucket of a lake is: private, TLS only, kept when the stack goes. */
const CAREFUL = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  removalPolicy: RemovalPolicy.RETAIN,
} as const

/**
 * A versioned bucket for tables, with a policy by which S3 itself refuses whoever writes a table's version without the condition that
 * the protocol rests on.
 *
 * No lifecycle rule expires current objects: a data file is live as long as a snapshot names it, however old it is.
 */
export function lakeBucket(scope: Construct, id: string, props: LakeBucketProps): Bucket {
  const { encryptionKey } = props
  const keepLogsDays = props.keepAccessLogsDays ?? DEFAULT_KEEP_ACCESS_LOGS_DAYS
  const bucket = new Bucket(scope, id, {
    ...CAREFUL,
    versioned: true,
    // With a bucket key S3 asks KMS once in a while instead of once per object: an append writes four.
    ...(encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
      : { encryption: BucketEncryption.S3_MANAGED }),
    ...(keepLogsDays > 0 ? { serverAccessLogsBucket: logBucket(scope, `${id}Logs`, keepLogsDays) } : {}),
    lifecycleRules: [
      { id: 'AbortUploads', abortIncompleteMultipartUploadAfter: Duration.days(ABORT_UPLOADS_AFTER_DAYS) },
      {
        id: 'ForgetReplaced',
        noncurrentVersionExpiration: Duration.days(props.keepNoncurrentDays ?? DEFAULT_KEEP_NONCURRENT_DAYS),
        expiredObjectDeleteMarker: true,
      },
    ],
  })
  if (keepLogsDays <= 0) {
    const reason = 'whoever builds this lake wants no access logs (keepAccessLogsDays: 0)'
    Validations.of(bucket).acknowledge({ id: 'AwsSolutions-S1', reason })
  }
  bucket.addToResourcePolicy(PolicyStatement.fromJson(versionsAreCreatedOnce(bucket.bucketArn)))
  return bucket
}

/** S3 can write its logs only where no key of KMS is needed. */
function logBucket(scope: Construct, id: string, keepDays: number): IBucket {
  // The cast: CDK's own types do not go together under exactOptionalPropertyTypes.
  return new Bucket(scope, id, {
    ...CAREFUL,
    encryption: BucketEncryption.S3_MANAGED,
    lifecycleRules: [{ id: 'ForgetLogs', expiration: Duration.days(keepDays) }],
  }) as IBucket
}

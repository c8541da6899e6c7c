/** A delivery stream of Firehose whose transformation is the function: what it appends need not go anywhere else. */
import { CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { Duration } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, LogStream, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledgeWildcards, encryptingWildcards, keysForNag } from '../nag.ts'
import { windowSeconds } from './context.ts'
import type { IngestContext } from './context.ts'
import type { FirehoseSource } from './source.ts'

/** Firehose waits no longer for a function. */
const MAX_TIMEOUT_SECONDS = 300
/**
 * Its default. The batch is in the event as base64, its records each with a frame of some hundred bytes, and comes back in the answer:
 * both must stay below 6 MB.
 */
const BATCH_MB = 1
/** With the first attempt as many as a queue has. */
const RETRIES = 4
/** Of objects in the bucket: few and large ones, since nobody waits for them. */
export const OBJECT_SECONDS = 300
const OBJECT = { intervalInSeconds: OBJECT_SECONDS, sizeInMBs: 64 }

export function connectFirehose(
  scope: Construct,
  source: FirehoseSource,
  props: IngestContext,
  { lambda, timeout }: { readonly lambda: LambdaFunction; readonly timeout: Duration },
): CfnDeliveryStream {
  if (timeout.toSeconds() > MAX_TIMEOUT_SECONDS) {
    throw new Error(`${scope.node.path}: Firehose waits 300 s for a function, not ${timeout.toSeconds()}`)
  }
  const bucket = source.bucket ?? props.bucket
  const prefix = source.prefix ?? `firehose/${scope.node.id}`
  if (!/^[\w.=-]+(?:\/[\w.=-]+)*$/.test(prefix)) {
    throw new Error(`${scope.node.path}: the prefix '${prefix}' must be names with slashes between them`)
  }
  const log = new LogGroup(scope, 'StreamLog', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const logStream = new LogStream(scope, 'StreamLogS3', { logGroup: log, removalPolicy: RemovalPolicy.DESTROY })
  const role = streamRole(scope, { lambda, log, bucket, prefix })
  const stream = new CfnDeliveryStream(scope, 'Stream', {
    deliveryStreamType: 'DirectPut',
    deliveryStreamEncryptionConfigurationInput: props.encryptionKey
      ? { keyType: 'CUSTOMER_MANAGED_CMK', keyArn: props.encryptionKey.keyArn }
      : { keyType: 'AWS_OWNED_CMK' },
    extendedS3DestinationConfiguration: {
      bucketArn: bucket.bucketArn,
      roleArn: role.roleArn,
      prefix: `${prefix}/records/!{timestamp:yyyy/MM/dd}/`,
      errorOutputPrefix: `${prefix}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/`,
      bufferingHints: OBJECT,
      compressionFormat: 'GZIP',
      cloudWatchLoggingOptions: {
        enabled: true,
        logGroupName: log.logGroupName,
        logStreamName: logStream.logStreamName,
      },
      processingConfiguration: { enabled: true, processors: [processor(lambda, role, windowSeconds(props))] },
    },
  })
  // The role's rights are a resource of their own, and Firehose tries them when the stream is made.
  stream.node.addDependency(role)
  new CfnOutput(scope, 'StreamName', { value: stream.ref })
  return stream
}

function processor(lambda: LambdaFunction, role: Role, seconds: number) {
  const parameters = {
    LambdaArn: lambda.functionArn,
    RoleArn: role.roleArn,
    NumberOfRetries: String(RETRIES),
    BufferSizeInMBs: String(BATCH_MB),
    BufferIntervalInSeconds: String(seconds),
  }
  return {
    type: 'Lambda',
    parameters: Object.entries(parameters).map(([parameterName, parameterValue]) => ({
      parameterName,
      parameterValue,
    })),
  }
}

interface Rights {
  readonly lambda: LambdaFunction
  readonly log: LogGroup
  readonly bucket: IBucket
  readonly prefix: string
}

/** What Firehose may do in this account: call the function, put objects under the prefix, write its log. */
function streamRole(scope: Construct, { lambda, log, bucket, prefix }: Rights): Role {
  const role = new Role(scope, 'StreamRole', {
    // Only for streams of this account: nobody else can make Firehose use it.
    assumedBy: new ServicePrincipal('firehose.amazonaws.com', {
      conditions: { StringEquals: { 'sts:ExternalId': Stack.of(scope).account } },
    }),
  })
  const allow = (actions: string[], ...resources: string[]) =>
    role.addToPolicy(new PolicyStatement({ actions, resources }))
  allow(['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'], lambda.functionArn)
  allow(['logs:PutLogEvents'], log.logGroupArn)
  allow(['s3:GetBucketLocation', 's3:ListBucketMultipartUploads'], bucket.bucketArn)
  allow(['s3:PutObject', 's3:AbortMultipartUpload'], `${bucket.bucketArn}/${prefix}/*`)
  bucket.encryptionKey?.grantEncrypt(role)
  acknowledgeWildcards(role, {
    [keysForNag(bucket, `${prefix}/*`)]: 'Firehose makes up the names of its objects; the prefix bounds the right',
    ...encryptingWildcards('CDK grants it with the right to encrypt, on the key of the bucket only'),
  })
  return role
}

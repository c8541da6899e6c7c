import { AssetHashType, DockerImage, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { dirname } from 'node:path'
import { bundleFunction } from './bundle.ts'

export interface LakeFunctionProps {
  /** Path of the TypeScript or JavaScript file that exports `handler`. */
  readonly entry: string
  readonly description: string
  readonly timeout: Duration
  /** MiB; CPU grows with it. */
  readonly memoryMiB: number
  readonly environment: Readonly<Record<string, string>>
  /** All that it may do beside writing its log and what its source needs. */
  readonly policies: readonly IManagedPolicy[]
}

/**
 * A function with a role of its own that may write its own log and nothing else beside the policies given: AWS's managed policy for
 * Lambda would let it write every log of the account.
 */
export function lakeFunction(scope: Construct, id: string, props: LakeFunctionProps): LambdaFunction {
  const logGroup = new LogGroup(scope, `${id}Log`, {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    managedPolicies: [...props.policies],
  })
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  )
  return new LambdaFunction(scope, id, {
    description: props.description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: bundled(props.entry),
    role,
    logGroup,
    timeout: props.timeout,
    memorySize: props.memoryMiB,
    environment: { ...props.environment },
  })
}

/** Bundled here and now by esbuild; the image would be used only if that said no, which it never does. */
function bundled(entry: string): Code {
  return Code.fromAsset(dirname(entry), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('none'),
      // CDK takes functions from one directory for the same asset unless their options differ.
      command: [entry],
      local: {
        tryBundle(directory: string): boolean {
          bundleFunction(entry, directory)
          return true
        },
      },
    },
  })
}

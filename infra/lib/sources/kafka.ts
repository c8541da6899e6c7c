/**
 * Kafka, of MSK and elsewhere. Not by CDK's `ManagedKafkaEventSource`: it attaches a policy of AWS's that lets the function write every log of the
 * account, and grants nothing for clusters that authenticate by IAM, nor for brokers in a network (docs/decisions/infra.md).
 */
import { Fn, Names } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { SourceAccessConfigurationType } from 'aws-cdk-lib/aws-lambda'
import type { Function as LambdaFunction, SourceAccessConfiguration } from 'aws-cdk-lib/aws-lambda'
import { AuthenticationMethod } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import type { IngestContext } from './context.ts'
import type { KafkaSource, MskSource } from './source.ts'
import { ordered } from './streams.ts'

/** Lambda reports single records and gives up bad ones only with pollers of the source's own. */
const DEFAULT_POLLERS = { minimum: 1, maximum: 4 }
const MAX_GROUP_LENGTH = 200

export function connectKafka(
  scope: Construct,
  source: MskSource | KafkaSource,
  props: IngestContext,
  { lambda, deadLetters }: { readonly lambda: LambdaFunction; readonly deadLetters: Queue },
): void {
  const group = source.consumerGroupId ?? Names.uniqueResourceName(scope, { maxLength: MAX_GROUP_LENGTH })
  const { minimum, maximum } = source.pollers ?? DEFAULT_POLLERS
  if (source.kind === 'kafka') checkReach(source)
  const access = source.kind === 'msk' ? withSecret(source.secret) : accessOf(source)
  lambda.addEventSourceMapping('Kafka', {
    ...ordered(props, deadLetters),
    ...(source.kind === 'msk'
      ? { eventSourceArn: source.clusterArn }
      : { kafkaBootstrapServers: [...source.bootstrapServers] }),
    ...(access.length > 0 ? { sourceAccessConfigurations: access } : {}),
    kafkaTopic: source.topic,
    kafkaConsumerGroupId: group,
    provisionedPollerConfig: { minimumPollers: minimum, maximumPollers: maximum },
  })
  source.secret?.grantRead(lambda)
  if (source.kind === 'msk') mayConsume(source, group, lambda)
  else source.rootCACertificate?.grantRead(lambda)
  if (source.kind === 'msk' || source.network) mayEnterNetwork(lambda)
}

function checkReach({ bootstrapServers, secret, network }: KafkaSource): void {
  if (bootstrapServers.length === 0) throw new Error('kafka: bootstrapServers names no broker')
  if (secret === undefined && network === undefined) {
    throw new Error('kafka: brokers in the internet need a secret; others a network')
  }
}

function withSecret(
  secret: ISecret | undefined,
  type = SourceAccessConfigurationType.SASL_SCRAM_512_AUTH,
): SourceAccessConfiguration[] {
  return secret === undefined ? [] : [{ type, uri: secret.secretArn }]
}

const TYPES: Record<AuthenticationMethod, SourceAccessConfigurationType> = {
  [AuthenticationMethod.SASL_SCRAM_512_AUTH]: SourceAccessConfigurationType.SASL_SCRAM_512_AUTH,
  [AuthenticationMethod.SASL_SCRAM_256_AUTH]: SourceAccessConfigurationType.SASL_SCRAM_256_AUTH,
  [AuthenticationMethod.BASIC_AUTH]: SourceAccessConfigurationType.BASIC_AUTH,
  [AuthenticationMethod.CLIENT_CERTIFICATE_TLS_AUTH]: SourceAccessConfigurationType.CLIENT_CERTIFICATE_TLS_AUTH,
}

function accessOf({ secret, authenticationMethod, rootCACertificate, network }: KafkaSource) {
  const { subnetIds } = network?.vpc.selectSubnets(network.subnets) ?? { subnetIds: [] }
  const group = network?.securityGroup.securityGroupId
  return [
    ...withSecret(secret, TYPES[authenticationMethod ?? AuthenticationMethod.SASL_SCRAM_512_AUTH]),
    ...withSecret(rootCACertificate, SourceAccessConfigurationType.SERVER_ROOT_CA_CERTIFICATE),
    ...(group === undefined ? [] : [{ type: SourceAccessConfigurationType.VPC_SECURITY_GROUP, uri: group }]),
    ...subnetIds.map((uri) => ({ type: SourceAccessConfigurationType.VPC_SUBNET, uri })),
  ]
}

/** To find the brokers, and where no secret is given, to read one topic as one group by the role alone. */
function mayConsume({ clusterArn, topic, secret }: MskSource, group: string, lambda: LambdaFunction): void {
  const allow = (actions: string[], resource: string) =>
    lambda.addToRolePolicy(new PolicyStatement({ actions, resources: [resource] }))
  allow(['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], clusterArn)
  if (secret) {
    allow(['kafka:ListScramSecrets'], clusterArn)
    return
  }
  const within = (type: string, name: string) =>
    Fn.join('/', [Fn.join(`:${type}/`, Fn.split(':cluster/', clusterArn, 2)), name])
  const can = (...names: string[]) => names.map((name) => `kafka-cluster:${name}`)
  allow(can('Connect', 'DescribeClusterDynamicConfiguration'), clusterArn)
  allow(can('DescribeTopic', 'ReadData'), within('topic', topic))
  allow(can('DescribeGroup', 'AlterGroup'), within('group', group))
}

/** The pollers work in the network of the brokers, by the rights of the function's role. */
function mayEnterNetwork(lambda: LambdaFunction): void {
  lambda.addToRolePolicy(
    new PolicyStatement({
      sid: 'PollInNetwork',
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
        'ec2:DescribeVpcs',
      ],
      resources: ['*'],
    }),
  )
}

/** The forms of `source-forms.ts` of the Terraform module with every kind of source, by kind. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alarmForms, mappingForm, rights, senders, settingsForm, streamForm } from './source-forms.ts'
import type { Fields, SourceForm } from './source-forms.ts'
import { GROUP, KINDS, STREAM, TABLE_STREAM, TOPIC } from './sources-of-cdk.ts'
import type { Forms, Kind } from './sources-of-cdk.ts'
import { CLUSTER, SECRET } from './synth.ts'
import type { Json } from './synth.ts'
import { terraformValues } from './terraform-module.ts'
import type { Instance, TerraformValues, Tools } from './terraform-module.ts'

export const TERRAFORM = join(dirname(fileURLToPath(import.meta.url)), '../../examples/terraform')

/** The same sources as in `sources-of-cdk.ts`, named by their kinds. */
export const EVERY_SOURCE: Readonly<Record<Kind, Readonly<Record<string, Json>>>> = {
  queue: {},
  url: {},
  kinesis: { arn: STREAM },
  dynamodb: { arn: TABLE_STREAM },
  topic: { arn: TOPIC },
  events: { pattern: '{"source":["shop"]}' },
  s3: { bucket: 'uploads', prefix: 'in/', suffix: '.ndjson' },
  msk: { arn: CLUSTER, topic: 'orders', consumer_group_id: GROUP },
  kafka: {
    servers: ['broker-1.example.com:9092', 'broker-2.example.com:9092'],
    topic: 'clicks',
    consumer_group_id: GROUP,
    secret_arn: SECRET,
    subnet_ids: ['subnet-1'],
    security_group_id: 'sg-1',
  },
  firehose: {},
}

export function variables(sources: Readonly<Record<string, object>> = EVERY_SOURCE): object {
  const kinds = Object.entries(sources).map(([kind, source]) => [kind, { kind, ...source }])
  return { bucket: 'lake', functions: 'functions', sources: Object.fromEntries(kinds) }
}

export async function formsOfTerraform(tools: Tools): Promise<Forms> {
  const values = await terraformValues(tools, TERRAFORM, variables())
  const lake = Object.entries(values['aws_cloudwatch_metric_alarm.lake']!)
  const ofSources = (name: string) => KINDS.some((kind) => name.startsWith(`${kind}-`))
  const own = lake.filter(([name]) => !ofSources(name)).map(([, alarm]) => alarm)
  return {
    sources: Object.fromEntries(KINDS.map((kind) => [kind, formOf(worded(values, kind), kind)])),
    alarms: alarmsOf([...own, values['aws_cloudwatch_metric_alarm.sweep_did_not_run']!['']!]),
  }
}

function worded(values: TerraformValues, kind: Kind): TerraformValues {
  const text = JSON.stringify(values)
    .replaceAll(`~aws_sqs_queue.dead_letters/${kind}~`, 'DEAD_LETTERS')
    .replaceAll(`~aws_sqs_queue.records/${kind}~`, 'QUEUE')
    .replaceAll(`~aws_cloudwatch_log_group.function/${kind}~:*`, 'LOG')
    .replaceAll(`~aws_cloudwatch_log_group.stream/${kind}~:*`, 'STREAM_LOG')
    .replaceAll(`~aws_lambda_function.ingest/${kind}~`, 'FUNCTION')
    .replaceAll('~aws_s3_bucket.lake~', 'LAKE')
    .replaceAll('~data.aws_partition.current~', 'aws')
  return JSON.parse(text) as TerraformValues
}

/** Statements in the words of a policy. */
function statementsOf(document: Instance | undefined) {
  return ((document?.['statement'] ?? []) as readonly Fields[]).map((statement) => {
    const conditions = (statement['condition'] ?? []) as readonly { test: string; variable: string; values: Json }[]
    const principals = (statement['principals'] ?? []) as readonly { type: string; identifiers: Json }[]
    return {
      Effect: String(statement['effect'] ?? 'Allow'),
      Action: statement['actions']!,
      Resource: statement['resources']!,
      ...(conditions.length > 0
        ? {
            Condition: Object.fromEntries(
              conditions.map(({ test, variable, values }) => [test, { [variable]: values }]),
            ),
          }
        : {}),
      Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])),
    }
  })
}

const first = (value: Json | undefined) => ((value ?? []) as readonly Fields[])[0]

function mapping(instance: Instance): Fields {
  const group = first(instance['amazon_managed_kafka_event_source_config'])
  const elsewhere = first(instance['self_managed_kafka_event_source_config'])
  const servers = first(instance['self_managed_event_source'])?.['endpoints'] as { KAFKA_BOOTSTRAP_SERVERS: string }
  const pollers = first(instance['provisioned_poller_config'])
  const scaling = first(instance['scaling_config'])
  const access = (instance['source_access_configuration'] ?? []) as readonly { type: string; uri: string }[]
  const given = (name: string, value: Json | undefined) =>
    value === undefined || value === null ? {} : { [name]: value }
  return mappingForm({
    ...given('EventSourceArn', instance['event_source_arn']),
    ...given('StartingPosition', instance['starting_position']),
    ...given('Topics', instance['topics']),
    ...given('BatchSize', instance['batch_size']),
    ...given('MaximumBatchingWindowInSeconds', instance['maximum_batching_window_in_seconds']),
    ...given('FunctionResponseTypes', instance['function_response_types']),
    ...given('MaximumRetryAttempts', instance['maximum_retry_attempts']),
    ...given('BisectBatchOnFunctionError', instance['bisect_batch_on_function_error']),
    ...given('DestinationConfig', instance['destination_config']),
    ...given('ScalingConfig', scaling && { MaximumConcurrency: scaling['maximum_concurrency']! }),
    ...given('AmazonManagedKafkaEventSourceConfig', group && { ConsumerGroupId: group['consumer_group_id']! }),
    ...given('SelfManagedKafkaEventSourceConfig', elsewhere && { ConsumerGroupId: elsewhere['consumer_group_id']! }),
    ...given(
      'SelfManagedEventSource',
      servers && { Endpoints: { KafkaBootstrapServers: servers.KAFKA_BOOTSTRAP_SERVERS.split(',') } },
    ),
    ...given(
      'ProvisionedPollerConfig',
      pollers && { MinimumPollers: pollers['minimum_pollers']!, MaximumPollers: pollers['maximum_pollers']! },
    ),
    SourceAccessConfigurations: access.map(({ type, uri }) => ({ Type: type, URI: uri })),
  })
}

function alarmsOf(alarms: readonly Instance[]): string[] {
  return alarmForms(
    alarms.map((alarm) => ({
      Namespace: alarm['namespace']!,
      MetricName: alarm['metric_name']!,
      Dimensions: Object.entries(alarm['dimensions'] as Fields).map(([Name, Value]) => ({ Name, Value })),
      ...(alarm['statistic'] === null ? {} : { Statistic: alarm['statistic']! }),
      ...(alarm['extended_statistic'] ? { ExtendedStatistic: alarm['extended_statistic'] } : {}),
      Period: alarm['period']!,
      DatapointsToAlarm: alarm['datapoints_to_alarm']!,
      EvaluationPeriods: alarm['evaluation_periods']!,
      Threshold: alarm['threshold']!,
      ComparisonOperator: alarm['comparison_operator']!,
      TreatMissingData: alarm['treat_missing_data']!,
    })),
  )
}

function queueOf(instance: Instance): Fields {
  const { redrive_policy: redrive, visibility_timeout_seconds: visibility } = instance
  return {
    ...(redrive === undefined ? {} : { RedrivePolicy: JSON.parse(String(redrive)) as Json }),
    SqsManagedSseEnabled: instance['sqs_managed_sse_enabled']!,
    MessageRetentionPeriod: instance['message_retention_seconds']!,
    ...(visibility === undefined ? {} : { VisibilityTimeout: visibility }),
  }
}

function stream(instance: Instance, document: Instance | undefined, name: string): Fields {
  const configuration = first(instance['extended_s3_configuration'])!
  const processing = first(configuration['processing_configuration'])!
  const parameters = first(processing['processors'])!['parameters'] as readonly Fields[]
  const properties = {
    DeliveryStreamEncryptionConfigurationInput: { KeyType: first(instance['server_side_encryption'])!['key_type']! },
    ExtendedS3DestinationConfiguration: {
      BufferingHints: {
        IntervalInSeconds: configuration['buffering_interval']!,
        SizeInMBs: configuration['buffering_size']!,
      },
      CompressionFormat: configuration['compression_format']!,
      Prefix: configuration['prefix']!,
      ErrorOutputPrefix: configuration['error_output_prefix']!,
      ProcessingConfiguration: {
        Enabled: processing['enabled']!,
        Processors: [
          {
            Parameters: parameters.map((one) => ({
              ParameterName: one['parameter_name']!,
              ParameterValue: one['parameter_value']!,
            })),
          },
        ],
      },
    },
  }
  return streamForm(properties, statementsOf(document), `firehose/${name}`)
}

function formOf(values: TerraformValues, kind: Kind): SourceForm {
  const of = (address: string, key: string = kind) => values[address]?.[key]
  const lambda = of('aws_lambda_function.ingest')!
  const environment = first(lambda['environment'])!['variables'] as Fields
  const mapped = ['records', 'stream', 'kafka']
    .map((name) => of(`aws_lambda_event_source_mapping.${name}`))
    .find(Boolean)
  const [queue, dead] = [of('aws_sqs_queue.records'), of('aws_sqs_queue.dead_letters')]
  const [rule, target] = [of('aws_cloudwatch_event_rule.records'), of('aws_cloudwatch_event_target.records')]
  const subscription = of('aws_sns_topic_subscription.records')
  const hose = of('aws_kinesis_firehose_delivery_stream.records')
  const policies = ['records', 'dead_letters'].flatMap((name) => {
    const document = of('data.aws_iam_policy_document.queue', `${name}/${kind}`)
    return document ? [senders(statementsOf(document))] : []
  })
  const documents = [of('data.aws_iam_policy_document.logs'), of('data.aws_iam_policy_document.source')]
  const alarms = Object.entries(values['aws_cloudwatch_metric_alarm.lake']!)
  return {
    timeout: lambda['timeout']!,
    memory: lambda['memory_size']!,
    settings: settingsForm(environment),
    rights: rights(documents.flatMap(statementsOf)),
    ...(mapped ? { mapping: mapping(mapped) } : {}),
    ...(queue ? { queue: queueOf(queue) } : {}),
    ...(dead ? { deadLetters: queueOf(dead) } : {}),
    ...(dead ? { senders: policies } : {}),
    ...(rule && target ? { rule: ruleOf(rule, target) } : {}),
    ...(subscription ? { subscription: subscriptionOf(subscription) } : {}),
    ...(hose ? { stream: stream(hose, of('data.aws_iam_policy_document.stream'), kind) } : {}),
    alarms: alarmsOf(alarms.filter(([name]) => name.startsWith(`${kind}-`)).map(([, alarm]) => alarm)),
  }
}

function ruleOf(rule: Instance, target: Instance): Fields {
  return {
    EventPattern: JSON.parse(String(rule['event_pattern'])) as Json,
    target: {
      Arn: target['arn']!,
      ...(target['input_path'] === null ? {} : { InputPath: target['input_path']! }),
      DeadLetterConfig: { Arn: first(target['dead_letter_config'])!['arn']! },
    },
  }
}

function subscriptionOf(subscription: Instance): Fields {
  return {
    TopicArn: subscription['topic_arn']!,
    Protocol: subscription['protocol']!,
    Endpoint: subscription['endpoint']!,
    RawMessageDelivery: subscription['raw_message_delivery']!,
    RedrivePolicy: JSON.parse(String(subscription['redrive_policy'])) as Json,
  }
}

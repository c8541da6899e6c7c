/**
 * What is made for a source, in a form that CDK, SAM and Terraform have in common: words for what has other names in each (`QUEUE`,
 * `DEAD_LETTERS`, `LOG`, `FUNCTION`), and only what somebody decided.
 */
import type { Json } from './synth.ts'

export type Fields = { readonly [key: string]: Json }

export interface SourceForm {
  readonly timeout: Json
  readonly memory: Json
  readonly settings: Fields
  /** Beside the policy of a writer. */
  readonly rights: readonly string[]
  readonly mapping?: Fields
  readonly queue?: Fields
  readonly deadLetters?: Fields
  /** Who may send to the queue, and to that of dead letters. */
  readonly senders?: readonly string[]
  readonly rule?: Fields
  readonly subscription?: Fields
  readonly stream?: Fields
  readonly alarms: readonly string[]
}

interface Statement {
  readonly Sid?: string
  readonly Effect?: string
  readonly Action: Json
  readonly Resource: Json
  readonly Principal?: Json
  readonly Condition?: Json
}

export function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))
}

const list = (value: Json | undefined) => (value === undefined ? [] : [value].flat()).map(String)

/** A line for each statement that allows something. */
export function rights(statements: readonly Statement[]): string[] {
  return statements
    .filter(({ Effect }) => Effect !== 'Deny')
    .map(({ Action, Resource, Condition }) => {
      const only = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`
      return `${list(Action).toSorted().join(' ')} on ${list(Resource).toSorted().join(' ')}${only}`
    })
    .toSorted()
}

/** Of the policy of a queue: the services that may send, and whether all must do so by TLS. */
export function senders(statements: readonly Statement[]): string {
  const allowed = statements.filter(({ Effect }) => Effect !== 'Deny')
  const services = allowed.map(({ Principal, Action, Condition }) => {
    const { Service } = Principal as { Service: Json }
    // The name of who sends has to be asked for, or anybody's topic or rule could.
    const isBound = JSON.stringify(Condition).includes('"aws:SourceArn"')
    return `${list(Service).join()}${list(Action).includes('sqs:SendMessage') ? ' sends' : ''}${isBound ? '' : ' FOR ANYBODY'}`
  })
  const isTls = statements.some(
    ({ Effect, Condition }) => Effect === 'Deny' && JSON.stringify(Condition).includes('SecureTransport'),
  )
  return [...services, isTls ? 'tls only' : 'WITHOUT TLS'].join(', ')
}

/** Of a mapping in CloudFormation's words. */
export function mappingForm(properties: Fields): Fields {
  const {
    EventSourceArn,
    DestinationConfig,
    SourceAccessConfigurations = [],
    ...rest
  } = without(properties, 'FunctionName')
  return {
    ...rest,
    EventSourceArn: EventSourceArn ?? 'NONE',
    givesUpTo: JSON.stringify(DestinationConfig ?? null).includes('DEAD_LETTERS'),
    // AWS takes subnets and groups with and without what they are.
    access: (SourceAccessConfigurations as readonly Fields[])
      .map(({ Type, URI }) => `${String(Type)} ${String(URI).replace(/^(?:subnet|security_group):/, '')}`)
      .toSorted(),
  }
}

/** Of alarms in CloudFormation's words. */
export function alarmForms(alarms: readonly Fields[]): string[] {
  return alarms
    .map((alarm) => {
      const dimensions = (alarm['Dimensions'] as readonly Fields[])
        .map(({ Name, Value }) => (Name === 'Source' ? `Source=${String(Value)}` : String(Name)))
        .toSorted()
      const statistic = alarm['ExtendedStatistic'] ?? alarm['Statistic']
      const periods = `${String(alarm['DatapointsToAlarm'] ?? alarm['EvaluationPeriods'])} of ${String(alarm['EvaluationPeriods'])}`
      const what = [alarm['Namespace'], alarm['MetricName'], dimensions.join('+'), statistic, alarm['Period'], periods]
      return [...what, alarm['ComparisonOperator'], Number(alarm['Threshold']), alarm['TreatMissingData']].join(' ')
    })
    .toSorted()
}

/** Of a delivery stream in CloudFormation's words. `prefix` is that of its objects. */
export function streamForm(properties: Fields, statements: readonly Statement[], prefix: string): Fields {
  const configuration = properties['ExtendedS3DestinationConfiguration'] as Fields
  const { BufferingHints, CompressionFormat, Prefix, ErrorOutputPrefix, ProcessingConfiguration } =
    configuration as Record<string, Json> & { Prefix: string; ErrorOutputPrefix: string }
  const { Enabled, Processors } = ProcessingConfiguration as { Enabled: Json; Processors: readonly Fields[] }
  const parameters = (Processors[0]!['Parameters'] as readonly Fields[])
    .map(({ ParameterName, ParameterValue }) => [String(ParameterName), ParameterValue!] as const)
    // The provider of Terraform wants what is the default left out.
    .filter(([name, value]) => name !== 'RoleArn' && !(name === 'BufferSizeInMBs' && value === '1'))
  return {
    BufferingHints: BufferingHints!,
    CompressionFormat: CompressionFormat!,
    Prefix: Prefix.replace(prefix, 'PREFIX'),
    ErrorOutputPrefix: ErrorOutputPrefix.replace(prefix, 'PREFIX'),
    Enabled,
    encryption: (properties['DeliveryStreamEncryptionConfigurationInput'] as Fields)['KeyType']!,
    parameters: Object.fromEntries(parameters),
    rights: rights(statements).map((right) => right.replace(prefix, 'PREFIX')),
  }
}

/** What the handler is told beside its table. */
export function settingsForm(variables: Fields): Fields {
  return without(variables, 'DATASHARD_TABLE')
}

import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Ingest } from './ingest.ts'
import { attemptsOf, recordsOf, sumOf } from './metrics.ts'
import type { LakeTable } from './table-access.ts'

const PERIOD = Duration.minutes(5)
const DEFAULT_OLDEST_SECONDS = 300
/** A commit usually takes one attempt. Where most appends need so many, something commits without folding. */
const ATTEMPTS_P90 = 8

export interface AlarmProps {
  /** Told when an alarm goes on and off. */
  readonly topic?: ITopic
  /** Age of the oldest record that waits, from which on it is an alarm. Default 300 seconds. */
  readonly oldestRecordSeconds?: number
}

interface Rule {
  readonly metric: IMetric
  /** Alarm if the metric is this or more. */
  readonly from: number
  /** Begins with what happened; docs/operations.md has a section of the alarm's name. */
  readonly description: string
  readonly periods?: number
  readonly outOf?: number
  readonly missing?: TreatMissingData
}

/** Alarms on what an operator has to do something about. Each names its section of docs/operations.md. */
export class LakeAlarms extends Construct {
  readonly all: Alarm[] = []
  readonly #props: AlarmProps

  constructor(scope: Construct, id: string, props: AlarmProps) {
    super(scope, id)
    this.#props = props
  }

  watchIngest(name: string, ingest: Ingest): void {
    this.#watchFunction(name, ingest.function)
    this.#alarm(`${name}Throttled`, {
      metric: ingest.function.metricThrottles({ period: PERIOD }),
      from: 1,
      periods: 3,
      description: 'Invocations were refused: the account has no concurrency left',
    })
    this.#alarm(`${name}Rejected`, {
      metric: recordsOf(ingest, 'Rejected'),
      from: 1,
      description: 'Records cannot become rows of the table',
    })
    const oldest = oldestRecord(ingest)
    if (oldest) {
      this.#alarm(`${name}OldestRecord`, {
        metric: oldest.metric,
        from: (this.#props.oldestRecordSeconds ?? DEFAULT_OLDEST_SECONDS) * oldest.perSecond,
        periods: 3,
        description: 'Records wait too long: appends fail, or do not keep up',
      })
    }
    if (ingest.deadLetters) {
      this.#alarm(`${name}DeadLetters`, {
        metric: ingest.deadLetters.metricApproximateNumberOfMessagesVisible({
          period: PERIOD,
          statistic: Stats.MAXIMUM,
        }),
        from: 1,
        description: 'Records were given up; they are kept for 14 days',
      })
    }
  }

  watchTable(name: string, table: LakeTable): void {
    this.#alarm(`${name}FailedAppends`, {
      metric: sumOf(table, 'FailedAppends'),
      from: 1,
      periods: 2,
      outOf: 3,
      description: 'Appends failed; the log has the code of the error',
    })
    this.#alarm(`${name}Contention`, {
      metric: sumOf(table, 'Contention'),
      from: 1,
      periods: 2,
      outOf: 3,
      description: 'Appends did not get into a commit in time',
    })
    this.#alarm(`${name}Attempts`, {
      metric: attemptsOf(table, 90),
      from: ATTEMPTS_P90,
      periods: 3,
      description: 'Appends lose many races before they are committed',
    })
  }

  watchScheduled(name: string, scheduled: LambdaFunction, every: Duration): void {
    this.#watchFunction(name, scheduled)
    this.#alarm(`${name}DidNotRun`, {
      metric: scheduled.metricInvocations({ period: every, statistic: Stats.SUM }),
      from: 0,
      periods: 2,
      missing: TreatMissingData.BREACHING,
      description: 'The schedule did not start it',
    })
  }

  #watchFunction(name: string, watched: LambdaFunction): void {
    this.#alarm(`${name}Errors`, {
      metric: watched.metricErrors({ period: PERIOD }),
      from: 1,
      description: 'The function threw, ran out of time, or out of memory',
    })
  }

  #alarm(name: string, rule: Rule): void {
    const { metric, from, periods = 1, outOf = periods, missing = TreatMissingData.NOT_BREACHING } = rule
    const alarm = new Alarm(this, name, {
      metric,
      threshold: from,
      // No invocation is no data point, so 'did not run' is alarmed by what is missing.
      comparisonOperator:
        missing === TreatMissingData.BREACHING
          ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: outOf,
      datapointsToAlarm: periods,
      treatMissingData: missing,
      alarmDescription: `${rule.description}. What to do: docs/operations.md, "Alarms"`,
    })
    if (this.#props.topic) {
      const action = new SnsAction(this.#props.topic)
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
    }
    this.all.push(alarm)
  }
}

/** The age of the oldest record, where the source has one, and how much of its unit a second is. */
function oldestRecord({ source, queue, function: lambda }: Ingest): { metric: IMetric; perSecond: number } | undefined {
  const how = { period: PERIOD, statistic: Stats.MAXIMUM }
  if (queue) return { metric: queue.metricApproximateAgeOfOldestMessage(how), perSecond: 1 }
  if (source === 'kinesis' || source === 'dynamodb')
    return { metric: lambda.metric('IteratorAge', how), perSecond: 1000 }
  return undefined
}

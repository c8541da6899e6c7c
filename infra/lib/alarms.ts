import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Ingest } from './ingest.ts'
import { attemptsOf, recordsOf, sumOf, waitingOf } from './metrics.ts'
import { OBJECT_SECONDS } from './sources/firehose.ts'
import type { LakeTable } from './table-access.ts'

const PERIOD = Duration.minutes(5)
const DEFAULT_OLDEST_SECONDS = 300
/** Records of a partition that wait, in batches of the function. */
const KAFKA_BATCHES = 10
/** A commit usually takes one attempt. Where most appends need so many, something commits without folding. */
const ATTEMPTS_P90 = 8

export interface AlarmProps {
  /** Told when an alarm goes on and off. */
  readonly topic?: ITopic
  /**
   * Age of the oldest record that waits, from which on it is an alarm. Default 300 seconds; Firehose has the time of its buffers more, and
   * Kafka, which tells no ages, ten batches.
   */
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
    const waiting = waitingOf(ingest)
    if (waiting) {
      const seconds = this.#props.oldestRecordSeconds ?? DEFAULT_OLDEST_SECONDS
      this.#alarm(`${name}OldestRecord`, {
        metric: waiting.metric,
        from: longestWait(ingest, waiting.unit, seconds),
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

/** From where on what waits is an alarm: ages, in the unit of the metric, and batches of Kafka, which tells no ages. */
function longestWait(ingest: Ingest, unit: 'seconds' | 'milliseconds' | 'records', seconds: number): number {
  if (unit === 'records') return KAFKA_BATCHES * ingest.batchSize
  // What Firehose has handed over is fresh only once its object is written.
  const objects = ingest.stream ? ingest.windowSeconds + OBJECT_SECONDS : 0
  return (seconds + objects) * (unit === 'milliseconds' ? 1000 : 1)
}

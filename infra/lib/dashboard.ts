import { AlarmStatusWidget, Dashboard, GraphWidget, PeriodOverride } from 'aws-cdk-lib/aws-cloudwatch'
import type { IWidget } from 'aws-cdk-lib/aws-cloudwatch'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import type { LakeAlarms } from './alarms.ts'
import type { Ingest } from './ingest.ts'
import { attemptsOf, durationOf, recordsOf, sumOf, waitingOf } from './metrics.ts'
import type { LakeTable } from './table-access.ts'

/** Widgets are laid out on 24 columns. */
const FULL_WIDTH = 24
const THIRD = 8

interface Shown {
  readonly tables: Readonly<Record<string, LakeTable>>
  readonly ingests: Readonly<Record<string, Ingest>>
  readonly scheduled: Readonly<Record<string, LambdaFunction>>
  readonly alarms: LakeAlarms
}

/** One page: alarms first, then a row per table, a row per source, and what runs by the clock. */
export function lakeDashboard(scope: Construct, id: string, shown: Shown): Dashboard {
  const { tables, ingests, scheduled, alarms } = shown
  const dashboard = new Dashboard(scope, id, { periodOverride: PeriodOverride.AUTO })
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: FULL_WIDTH }))
  for (const [name, table] of Object.entries(tables)) dashboard.addWidgets(...tableRow(name, table))
  for (const [name, ingest] of Object.entries(ingests)) dashboard.addWidgets(...ingestRow(name, ingest))
  for (const [name, lambda] of Object.entries(scheduled)) {
    dashboard.addWidgets(graph(`${name}: runs and errors`, [lambda.metricInvocations(), lambda.metricErrors()]))
  }
  return dashboard
}

function tableRow(name: string, table: LakeTable): IWidget[] {
  return [
    graph(`${name}: appends`, [sumOf(table, 'Appends'), sumOf(table, 'FailedAppends')]),
    graph(`${name}: contention`, [sumOf(table, 'Contention')]),
    graph(`${name}: attempts per append`, [attemptsOf(table, 50), attemptsOf(table, 90)]),
  ]
}

function ingestRow(name: string, ingest: Ingest): IWidget[] {
  const { function: lambda, queue, deadLetters } = ingest
  const behind = waitingOf(ingest)
  const waiting = [
    ...(queue ? [queue.metricApproximateNumberOfMessagesVisible()] : []),
    ...(behind ? [behind.metric] : [lambda.metric('UrlRequestCount'), lambda.metric('Url5xxCount')]),
  ]
  const letters = deadLetters ? [deadLetters.metricApproximateNumberOfMessagesVisible({ label: 'dead letters' })] : []
  return [
    graph(`${name}: records`, [
      recordsOf(ingest, 'Rows'),
      recordsOf(ingest, 'Rejected'),
      recordsOf(ingest, 'Failed'),
      recordsOf(ingest, 'Stale'),
    ]),
    graph(`${name}: append, ms, and appends per commit`, [
      durationOf(ingest, 'AppendMs', 50),
      durationOf(ingest, 'AppendMs', 99),
      durationOf(ingest, 'FoldSize', 90),
    ]),
    graph(`${name}: invocations`, [lambda.metricInvocations(), lambda.metricErrors(), lambda.metricThrottles()]),
    graph(`${name}: duration`, [
      lambda.metricDuration({ statistic: 'p50' }),
      lambda.metricDuration({ statistic: 'p99' }),
    ]),
    graph(`${name}: waiting`, [...waiting, ...letters]),
  ]
}

function graph(title: string, left: ConstructorParameters<typeof GraphWidget>[0]['left'] & object): GraphWidget {
  return new GraphWidget({ title, left, width: THIRD })
}

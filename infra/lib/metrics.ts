import { Duration } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { LakeTable } from './table-access.ts'

/** What `functions/embedded-metrics.ts` writes. */
const NAMESPACE = 'DataShard'
const PERIOD = Duration.minutes(5)

type Counted = 'Appends' | 'Rows' | 'FailedAppends' | 'Contention'
type Measured = 'AppendMs' | 'Attempts' | 'FoldSize'

export function sumOf(table: LakeTable, metricName: Counted): Metric {
  return metric(table, metricName, Stats.SUM)
}

export function percentileOf(table: LakeTable, metricName: Measured, percentile: number): Metric {
  return metric(table, metricName, Stats.percentile(percentile))
}

function metric(table: LakeTable, metricName: string, statistic: string): Metric {
  const dimensionsMap = { Table: table.location }
  return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic, period: PERIOD })
}

locals {
  # Where records wait, by kind. Kafka tells no ages but records: ten batches. Nothing waits for who calls a URL.
  waiting = merge(
    { for name in keys(local.queued) : name => {
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.records[name].name }
      from       = var.oldest_record_seconds
    } },
    { for name in keys(local.streams) : name => {
      namespace  = "AWS/Lambda"
      metric     = "IteratorAge"
      dimensions = { FunctionName = aws_lambda_function.ingest[name].function_name }
      from       = var.oldest_record_seconds * 1000
    } },
    { for name in keys(local.kafka) : name => {
      namespace  = "AWS/Lambda"
      metric     = "OffsetLag"
      dimensions = { FunctionName = aws_lambda_function.ingest[name].function_name }
      from       = 10 * local.batch_size[name]
    } },
    # What Firehose has handed over is fresh only once its object is written.
    { for name, source in local.firehose : name => {
      namespace  = "AWS/Firehose"
      metric     = "DeliveryToS3.DataFreshness"
      dimensions = { DeliveryStreamName = aws_kinesis_firehose_delivery_stream.records[name].name }
      from       = var.oldest_record_seconds + source.batch_window_seconds + 300
    } },
  )

  # What a function calls its events in its metrics.
  source_names = {
    queue    = "sqs", topic = "sqs", events = "sqs", s3 = "s3", kinesis = "kinesis", dynamodb = "dynamodb", msk = "kafka", kafka = "kafka",
    firehose = "firehose", url = "http"
  }

  source_alarms = merge(
    { for name, function in aws_lambda_function.ingest : "${name}-errors" => {
      what       = "The function threw, ran out of time, or out of memory"
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = { FunctionName = function.function_name }
    } },
    { for name, function in aws_lambda_function.ingest : "${name}-throttled" => {
      what       = "Invocations were refused: the account has no concurrency left"
      namespace  = "AWS/Lambda"
      metric     = "Throttles"
      dimensions = { FunctionName = function.function_name }
      periods    = 3
    } },
    { for name, function in aws_lambda_function.ingest : "${name}-rejected" => {
      what       = "Records cannot become rows of the table"
      namespace  = "DataShard"
      metric     = "Rejected"
      dimensions = { FunctionName = function.function_name, Source = local.source_names[var.sources[name].kind] }
    } },
    { for name, waits in local.waiting : "${name}-oldest-record" => merge(waits, {
      what      = "Records wait too long: appends fail, or do not keep up"
      statistic = "Maximum"
      periods   = 3
    }) },
    { for name, queue in aws_sqs_queue.dead_letters : "${name}-dead-letters" => {
      what       = "Records were given up; they are kept for 14 days"
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = queue.name }
      statistic  = "Maximum"
    } },
  )

  lake_alarms = {
    failed-appends = {
      what       = "Appends failed; the log has the code of the error"
      namespace  = "DataShard"
      metric     = "FailedAppends"
      dimensions = { Table = local.location }
      periods    = 2
      out_of     = 3
    }
    contention = {
      what       = "Appends did not get into a commit in time"
      namespace  = "DataShard"
      metric     = "Contention"
      dimensions = { Table = local.location }
      periods    = 2
      out_of     = 3
    }
    attempts = {
      what       = "Appends lose many races before they are committed"
      namespace  = "DataShard"
      metric     = "Attempts"
      dimensions = { Table = local.location }
      percentile = "p90"
      periods    = 3
      from       = 8
    }
    sweep-errors = {
      what       = "The function threw, ran out of time, or out of memory"
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = { FunctionName = aws_lambda_function.sweep.function_name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "lake" {
  for_each            = merge(local.lake_alarms, local.source_alarms)
  alarm_name          = "datashard-${each.key}"
  alarm_description   = "${each.value.what}. What to do: docs/operations.md, \"Alarms\""
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = can(each.value.percentile) ? null : try(each.value.statistic, "Sum")
  extended_statistic  = try(each.value.percentile, null)
  period              = 300
  datapoints_to_alarm = try(each.value.periods, 1)
  evaluation_periods  = try(each.value.out_of, each.value.periods, 1)
  threshold           = try(each.value.from, 1)
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

# No invocation is no data point, so this is alarmed by what is missing.
resource "aws_cloudwatch_metric_alarm" "sweep_did_not_run" {
  alarm_name          = "datashard-sweep-did-not-run"
  alarm_description   = "The schedule did not start it. What to do: docs/operations.md, \"Alarms\""
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = aws_lambda_function.sweep.function_name }
  statistic           = "Sum"
  period              = 86400
  datapoints_to_alarm = 2
  evaluation_periods  = 2
  threshold           = 0
  comparison_operator = "LessThanOrEqualToThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

locals {
  alarms = {
    dead-letters = {
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.dead_letters.name }
      statistic  = "Maximum"
      from       = 1
    }
    oldest-record = {
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.records.name }
      statistic  = "Maximum"
      from       = 300
    }
    contention = {
      namespace  = "DataShard"
      metric     = "Contention"
      dimensions = { Table = local.location }
      statistic  = "Sum"
      from       = 1
    }
    sweep-errors = {
      namespace  = "AWS/Lambda"
      metric     = "Errors"
      dimensions = { FunctionName = aws_lambda_function.sweep.function_name }
      statistic  = "Sum"
      from       = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "lake" {
  for_each            = local.alarms
  alarm_name          = "datashard-${each.key}"
  alarm_description   = "What to do: docs/operations.md, \"Alarms\""
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 2
  threshold           = each.value.from
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

# Queues, and what comes by way of a queue: topics, buses, notifications of buckets.
resource "aws_sqs_queue" "dead_letters" {
  for_each                  = local.given_up
  name_prefix               = "datashard-${each.key}-dead-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "records" {
  for_each                  = local.queued
  name_prefix               = "datashard-${each.key}-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
  # Six times the timeout of the function.
  visibility_timeout_seconds = 6 * local.timeout[each.key]

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn
    maxReceiveCount     = 5
  })
}

resource "aws_lambda_event_source_mapping" "records" {
  for_each                           = local.queued
  event_source_arn                   = aws_sqs_queue.records[each.key].arn
  function_name                      = aws_lambda_function.ingest[each.key].arn
  batch_size                         = local.batch_size[each.key]
  maximum_batching_window_in_seconds = each.value.batch_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  depends_on                         = [aws_iam_role_policy.source]

  scaling_config {
    maximum_concurrency = 50
  }
}

# A message is in the queue as it was published.
resource "aws_sns_topic_subscription" "records" {
  for_each             = local.topics
  topic_arn            = each.value.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.records[each.key].arn
  raw_message_delivery = true
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn })
  depends_on           = [aws_sqs_queue_policy.records, aws_sqs_queue_policy.dead_letters]
}

resource "aws_cloudwatch_event_rule" "records" {
  for_each       = local.ruled
  name_prefix    = "datashard-${each.key}-"
  event_bus_name = each.value.kind == "events" ? each.value.bus : "default"

  event_pattern = each.value.kind == "events" ? each.value.pattern : jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = merge(
      { bucket = { name = [each.value.bucket] } },
      each.value.suffix != "" ? { object = { key = [{ wildcard = "${each.value.prefix}*${each.value.suffix}" }] } } : {},
      each.value.suffix == "" && each.value.prefix != "" ? { object = { key = [{ prefix = each.value.prefix }] } } : {},
    )
  })
}

# Of an event of a bus its detail is the row; a notification of a bucket goes on whole.
resource "aws_cloudwatch_event_target" "records" {
  for_each       = local.ruled
  rule           = aws_cloudwatch_event_rule.records[each.key].name
  event_bus_name = each.value.kind == "events" ? each.value.bus : "default"
  arn            = aws_sqs_queue.records[each.key].arn
  input_path     = each.value.kind == "events" ? "$.detail" : null

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters[each.key].arn
  }
}

locals {
  # Both queues of a source: who may send, and that they do so by TLS.
  working = { for name, queue in aws_sqs_queue.records : "records/${name}" => { name = name, arn = queue.arn } }
  dead    = { for name, queue in aws_sqs_queue.dead_letters : "dead_letters/${name}" => { name = name, arn = queue.arn } }
  queues  = merge(local.working, local.dead)
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queues

  statement {
    sid       = "QueueTlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.topics), each.value.name) ? [local.topics[each.value.name].arn] : []

    content {
      sid       = "FromTopic"
      actions   = ["sqs:SendMessage"]
      resources = [each.value.arn]

      principals {
        type        = "Service"
        identifiers = ["sns.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.ruled), each.value.name) ? [aws_cloudwatch_event_rule.records[each.value.name].arn] : []

    content {
      sid       = "FromRule"
      actions   = ["sqs:SendMessage"]
      resources = [each.value.arn]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value]
      }
    }
  }
}

resource "aws_sqs_queue_policy" "records" {
  for_each  = local.queued
  queue_url = aws_sqs_queue.records[each.key].url
  policy    = data.aws_iam_policy_document.queue["records/${each.key}"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each  = local.given_up
  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy    = data.aws_iam_policy_document.queue["dead_letters/${each.key}"].json
}

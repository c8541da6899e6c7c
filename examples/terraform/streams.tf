# Kinesis, DynamoDB and Kafka: what comes in order.
resource "aws_lambda_event_source_mapping" "stream" {
  for_each                           = local.streams
  event_source_arn                   = each.value.arn
  function_name                      = aws_lambda_function.ingest[each.key].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = local.batch_size[each.key]
  maximum_batching_window_in_seconds = each.value.batch_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  maximum_retry_attempts             = 10
  # A batch that comes again in halves is not the batch that its claim names (docs/lambda.md).
  bisect_batch_on_function_error = false
  depends_on                     = [aws_iam_role_policy.source]

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letters[each.key].arn
    }
  }
}

locals {
  consumer_groups = { for name, source in local.kafka : name => coalesce(source.consumer_group_id, "datashard-${var.bucket}-${name}") }

  # What the pollers need to get to the brokers and in: of msk at most a secret.
  kafka_access = { for name, source in local.kafka : name => concat(
    source.secret_arn == null ? [] : [{
      type = source.kind == "msk" ? "SASL_SCRAM_512_AUTH" : source.authentication
      uri  = source.secret_arn
    }],
    source.kind == "msk" || source.root_ca_secret_arn == null ? [] : [{
      type = "SERVER_ROOT_CA_CERTIFICATE"
      uri  = source.root_ca_secret_arn
    }],
    source.kind == "msk" || source.security_group_id == null ? [] : [{
      type = "VPC_SECURITY_GROUP"
      uri  = "security_group:${source.security_group_id}"
    }],
    source.kind == "msk" ? [] : [for subnet in source.subnet_ids : { type = "VPC_SUBNET", uri = "subnet:${subnet}" }],
  ) }
}

resource "aws_lambda_event_source_mapping" "kafka" {
  for_each                           = local.kafka
  event_source_arn                   = each.value.kind == "msk" ? each.value.arn : null
  function_name                      = aws_lambda_function.ingest[each.key].arn
  topics                             = [each.value.topic]
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = local.batch_size[each.key]
  maximum_batching_window_in_seconds = each.value.batch_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]
  maximum_retry_attempts             = 10
  bisect_batch_on_function_error     = false
  depends_on                         = [aws_iam_role_policy.source]

  # Lambda reports single records and gives up bad ones only with pollers of the source's own.
  provisioned_poller_config {
    minimum_pollers = each.value.pollers.minimum
    maximum_pollers = each.value.pollers.maximum
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letters[each.key].arn
    }
  }

  dynamic "amazon_managed_kafka_event_source_config" {
    for_each = each.value.kind == "msk" ? [local.consumer_groups[each.key]] : []

    content {
      consumer_group_id = amazon_managed_kafka_event_source_config.value
    }
  }

  dynamic "self_managed_kafka_event_source_config" {
    for_each = each.value.kind == "kafka" ? [local.consumer_groups[each.key]] : []

    content {
      consumer_group_id = self_managed_kafka_event_source_config.value
    }
  }

  dynamic "self_managed_event_source" {
    for_each = each.value.kind == "kafka" ? [each.value.servers] : []

    content {
      endpoints = { KAFKA_BOOTSTRAP_SERVERS = join(",", self_managed_event_source.value) }
    }
  }

  dynamic "source_access_configuration" {
    for_each = local.kafka_access[each.key]

    content {
      type = source_access_configuration.value.type
      uri  = source_access_configuration.value.uri
    }
  }
}

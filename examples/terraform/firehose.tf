# Delivery streams of Firehose whose transformation is the function: what it appends need not go anywhere else.
resource "aws_cloudwatch_log_group" "stream" {
  for_each          = local.firehose
  name_prefix       = "/datashard/${each.key}-stream-"
  retention_in_days = 30
}

resource "aws_cloudwatch_log_stream" "stream" {
  for_each       = local.firehose
  name           = "s3"
  log_group_name = aws_cloudwatch_log_group.stream[each.key].name
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "firehose" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }

    # Only for streams of this account: nobody else can make Firehose use it.
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "stream" {
  for_each           = local.firehose
  name_prefix        = "datashard-hose-"
  assume_role_policy = data.aws_iam_policy_document.firehose.json
}

data "aws_iam_policy_document" "stream" {
  for_each = local.firehose

  statement {
    sid       = "CallFunction"
    actions   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
    resources = [aws_lambda_function.ingest[each.key].arn]
  }

  statement {
    sid       = "WriteStreamLog"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.stream[each.key].arn}:*"]
  }

  statement {
    sid       = "FindBucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.lake.arn]
  }

  statement {
    sid       = "PutObjects"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.lake.arn}/firehose/${each.key}/*"]
  }
}

resource "aws_iam_role_policy" "stream" {
  for_each = local.firehose
  role     = aws_iam_role.stream[each.key].id
  policy   = data.aws_iam_policy_document.stream[each.key].json
}

resource "aws_kinesis_firehose_delivery_stream" "records" {
  for_each    = local.firehose
  name        = "datashard-${each.key}"
  destination = "extended_s3"
  # Firehose tries the rights when the stream is made.
  depends_on = [aws_iam_role_policy.stream]

  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.stream[each.key].arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "firehose/${each.key}/records/!{timestamp:yyyy/MM/dd}/"
    error_output_prefix = "firehose/${each.key}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    # Few and large objects, since nobody waits for them.
    buffering_interval = 300
    buffering_size     = 64
    compression_format = "GZIP"

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.stream[each.key].name
      log_stream_name = aws_cloudwatch_log_stream.stream[each.key].name
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        # The provider forgets what is the default, and would change it with each apply: the role of the stream, 1 MB of
        # buffer (batch and answer must each stay below 6), 60 seconds.
        dynamic "parameters" {
          for_each = merge(
            { LambdaArn = aws_lambda_function.ingest[each.key].arn, NumberOfRetries = "4" },
            each.value.batch_window_seconds == 60 ? {} : { BufferIntervalInSeconds = tostring(each.value.batch_window_seconds) },
          )

          content {
            parameter_name  = parameters.key
            parameter_value = parameters.value
          }
        }
      }
    }
  }
}

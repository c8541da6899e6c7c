# A table that a queue and HTTP append to, as a Terraform module; infra/ has the same and more for CDK.
#
#   npx tsx infra/bundle.ts examples/terraform/functions
#   terraform -chdir=examples/terraform apply -var bucket=my-lake -var functions=functions
#   npx datashard create "s3://my-lake/events" --schema event.json
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.4"
    }
  }
}

locals {
  location = "s3://${aws_s3_bucket.lake.id}/${var.table}"
}

data "archive_file" "function" {
  for_each    = toset(["ingest", "sweep"])
  type        = "zip"
  source_dir  = "${var.functions}/${each.key}"
  output_path = "${var.functions}/${each.key}.zip"
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = toset(["ingest", "sweep"])
  name_prefix       = "/datashard/${each.key}-"
  retention_in_days = 30
}

resource "aws_lambda_function" "ingest" {
  function_name    = "datashard-ingest"
  role             = aws_iam_role.function["ingest"].arn
  filename         = data.archive_file.function["ingest"].output_path
  source_code_hash = data.archive_file.function["ingest"].output_base64sha256
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  handler          = "index.handler"
  timeout          = 60
  memory_size      = 1024

  environment {
    variables = { DATASHARD_TABLE = local.location }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function["ingest"].name
  }
}

resource "aws_lambda_function_url" "ingest" {
  function_name      = aws_lambda_function.ingest.function_name
  authorization_type = "AWS_IAM"
}

resource "aws_sqs_queue" "dead_letters" {
  name_prefix               = "datashard-dead-"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
}

resource "aws_sqs_queue" "records" {
  name_prefix                = "datashard-"
  sqs_managed_sse_enabled    = true
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 360

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_lambda_event_source_mapping" "records" {
  event_source_arn                   = aws_sqs_queue.records.arn
  function_name                      = aws_lambda_function.ingest.arn
  batch_size                         = 1000
  maximum_batching_window_in_seconds = 5
  function_response_types            = ["ReportBatchItemFailures"]
  depends_on                         = [aws_iam_role_policy.queue]
}

resource "aws_lambda_function" "sweep" {
  function_name    = "datashard-sweep"
  role             = aws_iam_role.function["sweep"].arn
  filename         = data.archive_file.function["sweep"].output_path
  source_code_hash = data.archive_file.function["sweep"].output_base64sha256
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  handler          = "index.handler"
  timeout          = 900
  memory_size      = 1769

  environment {
    variables = { DATASHARD_TABLES = jsonencode([local.location]) }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function["sweep"].name
  }
}

resource "aws_cloudwatch_event_rule" "sweep" {
  name_prefix         = "datashard-sweep-"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule = aws_cloudwatch_event_rule.sweep.name
  arn  = aws_lambda_function.sweep.arn
}

resource "aws_lambda_permission" "sweep" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.sweep.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}

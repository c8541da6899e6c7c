# The scheduled sweep deletes what the table does not need any more.
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

  # What failed is done by the next run; a second attempt at once would meet the same trouble.
  retry_policy {
    maximum_retry_attempts = 0
  }
}

resource "aws_lambda_permission" "sweep" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.sweep.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}

data "archive_file" "function" {
  for_each    = toset(concat(["sweep"], [for source in values(var.sources) : source.code]))
  type        = "zip"
  source_dir  = "${var.functions}/${each.key}"
  output_path = "${var.functions}/${each.key}.zip"
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = toset(concat(["sweep"], keys(var.sources)))
  name_prefix       = "/datashard/${each.key}-"
  retention_in_days = 30
}

resource "aws_lambda_function" "ingest" {
  for_each         = var.sources
  function_name    = "datashard-${each.key}"
  description      = "Appends what comes by ${each.value.kind} (${each.key}) to ${local.location}"
  role             = aws_iam_role.function[each.key].arn
  filename         = data.archive_file.function[each.value.code].output_path
  source_code_hash = data.archive_file.function[each.value.code].output_base64sha256
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  handler          = "index.handler"
  timeout          = local.timeout[each.key]
  memory_size      = each.value.memory_mib

  environment {
    variables = merge(
      { DATASHARD_TABLE = local.location, DATASHARD_DELIVERY = each.value.delivery },
      # Without being told it would take the notification itself for a row.
      each.value.kind == "s3" ? { DATASHARD_SOURCE = "s3" } : {},
      each.value.kind == "firehose" ? { DATASHARD_FIREHOSE = each.value.keep == "records" ? "pass" : "drop" } : {},
    )
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }
}

resource "aws_lambda_function_url" "ingest" {
  for_each           = local.urls
  function_name      = aws_lambda_function.ingest[each.key].function_name
  authorization_type = "AWS_IAM"
}

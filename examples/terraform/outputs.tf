output "location" {
  value = local.location
}

output "queue_url" {
  value = aws_sqs_queue.records.url
}

output "function_url" {
  value = aws_lambda_function_url.ingest.function_url
}

output "writer_policy_arn" {
  value = aws_iam_policy.writer.arn
}

output "location" {
  value = local.location
}

output "queue_urls" {
  value = { for name, queue in aws_sqs_queue.records : name => queue.url }
}

output "function_urls" {
  value = { for name, url in aws_lambda_function_url.ingest : name => url.function_url }
}

output "delivery_streams" {
  value = { for name, stream in aws_kinesis_firehose_delivery_stream.records : name => stream.name }
}

output "writer_policy_arn" {
  value = aws_iam_policy.writer.arn
}

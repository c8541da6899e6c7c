# What the functions may do beside appending to the table and writing their logs: what their sources need.
data "aws_iam_policy_document" "source" {
  for_each = local.given_up

  dynamic "statement" {
    for_each = contains(keys(local.queued), each.key) ? [aws_sqs_queue.records[each.key].arn] : []

    content {
      sid = "TakeMessages"
      actions = [
        "sqs:ReceiveMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueUrl",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
      ]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.queued), each.key) ? [] : [aws_sqs_queue.dead_letters[each.key].arn]

    content {
      sid       = "GiveUp"
      actions   = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "kinesis" ? [each.value.arn] : []

    content {
      sid = "TakeRecords"
      actions = [
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "kinesis:SubscribeToShard",
        "kinesis:DescribeStream",
        "kinesis:ListStreams",
        "kinesis:DescribeStreamConsumer",
      ]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "dynamodb" ? [each.value.arn] : []

    content {
      sid       = "TakeChanges"
      actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
      resources = [statement.value]
    }
  }

  # It knows no resources.
  dynamic "statement" {
    for_each = each.value.kind == "dynamodb" ? ["*"] : []

    content {
      sid       = "FindStream"
      actions   = ["dynamodb:ListStreams"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "s3" ? ["arn:${data.aws_partition.current.partition}:s3:::${each.value.bucket}"] : []

    content {
      sid       = "ReadObjects"
      actions   = ["s3:GetObject", "s3:GetObjectVersion"]
      resources = ["${statement.value}/${each.value.prefix}*"]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "s3" ? ["arn:${data.aws_partition.current.partition}:s3:::${each.value.bucket}"] : []

    content {
      sid       = "KnowWhatIsGone"
      actions   = ["s3:ListBucket"]
      resources = [statement.value]

      condition {
        test     = "StringLikeIfExists"
        variable = "s3:prefix"
        values   = ["${each.value.prefix}*"]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(["kinesis", "dynamodb", "s3"], each.value.kind) && each.value.key_arn != null ? [each.value.key_arn] : []

    content {
      sid       = "UseKeyOfSource"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = contains(keys(local.kafka), each.key) && each.value.secret_arn != null ? [each.value.secret_arn] : []

    content {
      sid       = "ReadSecret"
      actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "kafka" && each.value.root_ca_secret_arn != null ? [each.value.root_ca_secret_arn] : []

    content {
      sid       = "ReadRootCa"
      actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "msk" ? [each.value.arn] : []

    content {
      sid       = "FindBrokers"
      actions   = ["kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "msk" && each.value.secret_arn != null ? [each.value.arn] : []

    content {
      sid       = "FindSecret"
      actions   = ["kafka:ListScramSecrets"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "msk" && each.value.secret_arn == null ? [each.value.arn] : []

    content {
      sid       = "ConnectByRole"
      actions   = ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "msk" && each.value.secret_arn == null ? [each.value.arn] : []

    content {
      sid       = "ReadTopic"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      resources = ["${replace(statement.value, ":cluster/", ":topic/")}/${each.value.topic}"]
    }
  }

  dynamic "statement" {
    for_each = each.value.kind == "msk" && each.value.secret_arn == null ? [each.value.arn] : []

    content {
      sid       = "ReadAsGroup"
      actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
      resources = ["${replace(statement.value, ":cluster/", ":group/")}/${local.consumer_groups[each.key]}"]
    }
  }

  # Network interfaces are made and described before they have names.
  dynamic "statement" {
    for_each = each.value.kind == "msk" || (each.value.kind == "kafka" && each.value.security_group_id != null) ? ["*"] : []

    content {
      sid = "PollInNetwork"
      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ]
      resources = [statement.value]
    }
  }
}

data "aws_partition" "current" {}

resource "aws_iam_role_policy" "source" {
  for_each = local.given_up
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.source[each.key].json
}

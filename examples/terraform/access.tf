data "aws_iam_policy_document" "writer" {
  statement {
    sid       = "ListTable"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.lake.arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["${var.table}/*"]
    }
  }

  statement {
    sid       = "ReadTable"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.lake.arn}/${var.table}/*"]
  }

  statement {
    sid       = "WriteTable"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.lake.arn}/${var.table}/data/*", "${aws_s3_bucket.lake.arn}/${var.table}/metadata/*"]
  }
}

data "aws_iam_policy_document" "sweeper" {
  statement {
    sid       = "SweepTable"
    actions   = ["s3:DeleteObject"]
    resources = ["${aws_s3_bucket.lake.arn}/${var.table}/data/*", "${aws_s3_bucket.lake.arn}/${var.table}/metadata/*"]
  }
}

resource "aws_iam_policy" "writer" {
  name_prefix = "datashard-writer-"
  policy      = data.aws_iam_policy_document.writer.json
}

resource "aws_iam_policy" "sweeper" {
  name_prefix = "datashard-sweeper-"
  policy      = data.aws_iam_policy_document.sweeper.json
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each           = toset(concat(["sweep"], keys(var.sources)))
  name_prefix        = "datashard-${each.key}-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

data "aws_iam_policy_document" "logs" {
  for_each = aws_cloudwatch_log_group.function

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${each.value.arn}:*"]
  }
}

resource "aws_iam_role_policy" "logs" {
  for_each = data.aws_iam_policy_document.logs
  role     = aws_iam_role.function[each.key].id
  policy   = each.value.json
}

resource "aws_iam_role_policy_attachment" "writer" {
  for_each   = aws_iam_role.function
  role       = each.value.name
  policy_arn = aws_iam_policy.writer.arn
}

resource "aws_iam_role_policy_attachment" "sweeper" {
  role       = aws_iam_role.function["sweep"].name
  policy_arn = aws_iam_policy.sweeper.arn
}

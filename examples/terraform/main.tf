# A table and what appends to it, as a Terraform module: each source of infra/ is an entry of var.sources (README.md).
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

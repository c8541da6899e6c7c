# Where records come from, by names of yours: those of infra/lib/sources/source.ts.
variable "sources" {
  type = map(object({
    kind = string
    # Of kinesis and dynamodb the stream's, of topic the topic's, of msk the cluster's.
    arn = optional(string)
    # The key of KMS that encrypts a stream, or the objects of s3, if one of yours does.
    key_arn = optional(string)
    # Of events: a pattern as JSON, and the bus.
    pattern = optional(string)
    bus     = optional(string, "default")
    # Of s3: a bucket that notifies EventBridge, and how the keys of its objects begin and end.
    bucket = optional(string)
    prefix = optional(string, "")
    suffix = optional(string, "")
    # Of msk and kafka. Pollers are paid by the hour.
    topic              = optional(string)
    consumer_group_id  = optional(string)
    secret_arn         = optional(string)
    servers            = optional(list(string), [])
    authentication     = optional(string, "SASL_SCRAM_512_AUTH")
    root_ca_secret_arn = optional(string)
    subnet_ids         = optional(list(string), [])
    security_group_id  = optional(string)
    pollers            = optional(object({ minimum = number, maximum = number }), { minimum = 1, maximum = 4 })
    # Of firehose, what else the stream keeps: nothing, or the records as they came.
    keep = optional(string, "nothing")
    # The directory in var.functions: a handler of yours, where records are not rows.
    code                 = optional(string, "ingest")
    delivery             = optional(string, "exactly-once")
    memory_mib           = optional(number, 1024)
    timeout_seconds      = optional(number)
    batch_size           = optional(number)
    batch_window_seconds = optional(number, 5)
  }))

  default = {
    queue = { kind = "queue" }
    http  = { kind = "url" }
  }

  description = "What is appended: a function each"

  validation {
    condition = alltrue([for name, source in var.sources : can(regex("^[a-z][a-z0-9-]{0,30}$", name)) && name != "sweep" && contains(
      ["queue", "kinesis", "dynamodb", "topic", "events", "s3", "msk", "kafka", "firehose", "url"], source.kind
    )])
    error_message = "A name is small letters, digits and -, not sweep; a kind one of queue, kinesis, dynamodb, topic, events, s3, msk, kafka, firehose, url."
  }

  validation {
    condition = alltrue([for source in values(var.sources) : (
      contains(["kinesis", "dynamodb", "topic", "msk"], source.kind) ? source.arn != null :
      source.kind == "events" ? can(jsondecode(source.pattern)) :
      source.kind == "s3" ? source.bucket != null : true
    )])
    error_message = "kinesis, dynamodb, topic and msk need an arn, events a pattern, s3 a bucket."
  }

  validation {
    condition = alltrue([for source in values(var.sources) :
      can(regex("^[A-Za-z0-9_.=/-]*$", source.prefix)) && can(regex("^[A-Za-z0-9_.=/-]*$", source.suffix))
    ])
    error_message = "prefix and suffix may have letters, digits and / . = _ - only: a wildcard would give rights on other objects."
  }

  validation {
    condition = alltrue([for source in values(var.sources) :
      !contains(["msk", "kafka"], source.kind) || source.topic != null
    ])
    error_message = "msk and kafka need a topic."
  }

  validation {
    condition = alltrue([for source in values(var.sources) : source.kind != "kafka" || (
      length(source.servers) > 0 && (source.secret_arn != null || source.security_group_id != null)
    )])
    error_message = "kafka needs servers, and a secret if they are in the internet, else a network."
  }

  validation {
    condition = alltrue([for source in values(var.sources) :
      source.kind != "firehose" || source.timeout_seconds == null || coalesce(source.timeout_seconds, 60) <= 300
    ])
    error_message = "Firehose waits 300 s for a function."
  }
}

locals {
  # Objects of s3 are an append each, and can be large.
  batch_size = { for name, source in var.sources : name => coalesce(source.batch_size, source.kind == "s3" ? 10 : 1000) }
  timeout    = { for name, source in var.sources : name => coalesce(source.timeout_seconds, source.kind == "s3" ? 300 : 60) }

  queued   = { for name, source in var.sources : name => source if contains(["queue", "topic", "events", "s3"], source.kind) }
  topics   = { for name, source in var.sources : name => source if source.kind == "topic" }
  ruled    = { for name, source in var.sources : name => source if contains(["events", "s3"], source.kind) }
  streams  = { for name, source in var.sources : name => source if contains(["kinesis", "dynamodb"], source.kind) }
  kafka    = { for name, source in var.sources : name => source if contains(["msk", "kafka"], source.kind) }
  firehose = { for name, source in var.sources : name => source if source.kind == "firehose" }
  urls     = { for name, source in var.sources : name => source if source.kind == "url" }

  # What can be given up is put into a queue. Who calls a URL gets the answer, and Firehose has its bucket.
  given_up = merge(local.queued, local.streams, local.kafka)
}

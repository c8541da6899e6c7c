variable "bucket" {
  type        = string
  description = "Name of the bucket to be made"
}

variable "table" {
  type        = string
  default     = "events"
  description = "Key prefix of the table in the bucket"

  validation {
    condition     = can(regex("^[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*$", var.table))
    error_message = "Names with slashes between them: a wildcard or an empty prefix would give rights on other tables."
  }
}

variable "functions" {
  type        = string
  description = "Directory with the bundled functions: npx tsx infra/bundle.ts DIRECTORY"
}

variable "alarm_topic_arns" {
  type        = list(string)
  default     = []
  description = "Topics that are told when an alarm goes on and off"
}

variable "oldest_record_seconds" {
  type        = number
  default     = 300
  description = "Age of the oldest record that waits, from which on it is an alarm"
}

/** The input: the webhook deliveries that GitHub documents, as the npm package `@octokit/webhooks-examples` ships them. */
import { createRequire } from 'node:module'

interface WebhookExample {
  readonly name: string
  readonly examples: readonly Readonly<Record<string, unknown>>[]
}

/** One row of the table. */
export interface Delivery {
  readonly id: number
  readonly event: string
  readonly action: string | null
  readonly repository: string | null
  readonly sender: { readonly login: string; readonly id: number } | null
  readonly labels: readonly { readonly name: string; readonly color: string }[] | null
  readonly payload: string
}

export function readDeliveries(): readonly Delivery[] {
  const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly WebhookExample[]
  const payloads = examples.flatMap(({ name, examples: list }) => list.map((payload) => ({ event: name, payload })))
  return payloads.map(({ event, payload }, id) => ({
    id,
    event,
    action: text(payload['action']),
    repository: text(field(payload['repository'], 'full_name')),
    sender: senderOf(payload['sender']),
    labels: labelsOf(payload['issue'] ?? payload['pull_request']),
    payload: JSON.stringify(payload),
  }))
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function senderOf(value: unknown): Delivery['sender'] {
  const [login, id] = [field(value, 'login'), field(value, 'id')]
  return typeof login === 'string' && typeof id === 'number' ? { login, id } : null
}

function labelsOf(value: unknown): Delivery['labels'] {
  const labels = field(value, 'labels')
  if (!Array.isArray(labels)) return null
  return labels.map((label) => ({ name: String(field(label, 'name')), color: String(field(label, 'color')) }))
}

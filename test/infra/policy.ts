/**
 * A policy engine for the statements of this project: identity and bucket policies, explicit denies before allows, wildcards, and the
 * condition operators that are used. What it does not know it refuses to judge, so that nothing passes by being overlooked.
 */
export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Principal?: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

export interface Asked {
  /** `s3:PutObject`. */
  readonly action: string
  readonly resource: string
  /** Values of condition keys; what a request does not have is not in it. */
  readonly context?: Readonly<Record<string, string>>
}

export type Verdict = { readonly allowed: boolean; readonly because: string }

/** IAM's order within one account: a deny that matches wins, then any allow, else no. */
export function judge(statements: readonly Statement[], asked: Asked): Verdict {
  const matching = statements.filter((statement) => matches(statement, asked))
  const denied = matching.find((statement) => statement.Effect === 'Deny')
  if (denied) return { allowed: false, because: denied.Sid ?? 'a deny' }
  const allowed = matching.find((statement) => statement.Effect === 'Allow')
  return allowed
    ? { allowed: true, because: allowed.Sid ?? 'an allow' }
    : { allowed: false, because: 'nothing allows it' }
}

function matches(statement: Statement, { action, resource, context = {} }: Asked): boolean {
  const known = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition'])
  const strange = Object.keys(statement).find((key) => !known.has(key))
  if (strange !== undefined)
    throw new Error(`statement ${statement.Sid}: ${strange} is not known to this policy engine`)
  return (
    list(statement.Action).some((pattern) => wildcard(pattern.toLowerCase(), action.toLowerCase())) &&
    list(statement.Resource).some((pattern) => wildcard(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, context[key], list(values))),
    )
  )
}

function holds(operator: string, value: string | undefined, values: readonly string[]): boolean {
  if (operator.endsWith('IfExists')) return value === undefined || holds(operator.slice(0, -8), value, values)
  if (operator === 'Null') return values.includes(String(value === undefined))
  if (value === undefined) return false
  if (operator === 'StringLike') return values.some((pattern) => wildcard(pattern, value))
  if (operator === 'StringEquals') return values.includes(value)
  if (operator === 'Bool') return values.includes(value)
  if (operator === 'NumericLessThan') return values.some((limit) => Number(value) < Number(limit))
  throw new Error(`condition operator ${operator} is not known to this policy engine`)
}

function wildcard(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) =>
    part
      .split('?')
      .map((literal) => literal.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.'),
  )
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}

/** Templates have numbers where IAM has texts. */
function list(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(String)
}

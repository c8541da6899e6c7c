import { describe, expect, test } from 'vitest'
import { versionsAreCreatedOnce } from '../../infra/lib/index.ts'
import { judge } from './policy.ts'
import type { Statement } from './policy.ts'

const READ: Statement = { Effect: 'Allow', Action: 's3:Get*', Resource: 'arn:aws:s3:::b/t/*' }

describe('the policy engine of the tests', () => {
  const allowed = (statements: Statement[], action: string, resource: string, context = {}) =>
    judge(statements, { action, resource, context }).allowed

  test('nothing is allowed that no statement allows', () => {
    expect(allowed([], 's3:GetObject', 'arn:aws:s3:::b/t/a')).toBe(false)
    expect(allowed([READ], 's3:PutObject', 'arn:aws:s3:::b/t/a')).toBe(false)
    expect(allowed([READ], 's3:GetObject', 'arn:aws:s3:::b/t')).toBe(false)
    expect(allowed([READ], 's3:GetObject', 'arn:aws:s3:::b/t/a/b')).toBe(true)
  })

  test('a deny wins over any allow, wherever it stands', () => {
    const deny: Statement = { ...READ, Effect: 'Deny', Resource: '*' }
    expect(allowed([READ, deny], 's3:GetObject', 'arn:aws:s3:::b/t/a')).toBe(false)
    expect(allowed([deny, READ], 's3:GetObject', 'arn:aws:s3:::b/t/a')).toBe(false)
  })

  test('dots and other signs of a pattern are themselves', () => {
    const dotted: Statement = { ...READ, Resource: 'arn:aws:s3:::b/v?.json' }
    expect(allowed([dotted], 's3:GetObject', 'arn:aws:s3:::b/v1.json')).toBe(true)
    expect(allowed([dotted], 's3:GetObject', 'arn:aws:s3:::b/v1xjson')).toBe(false)
  })

  test('a condition on a missing value fails, IfExists holds, Null asks for exactly that', () => {
    const under = (Condition: NonNullable<Statement['Condition']>) => [{ ...READ, Condition }]
    const ask = (Condition: NonNullable<Statement['Condition']>, context: object) =>
      allowed(under(Condition), 's3:GetObject', 'arn:aws:s3:::b/t/a', context)
    expect(ask({ StringLike: { k: 't/*' } }, {})).toBe(false)
    expect(ask({ StringLikeIfExists: { k: 't/*' } }, {})).toBe(true)
    expect(ask({ StringLikeIfExists: { k: 't/*' } }, { k: 'u/a' })).toBe(false)
    expect(ask({ Null: { k: 'true' } }, {})).toBe(true)
    expect(ask({ Null: { k: 'true' } }, { k: 'x' })).toBe(false)
    expect(ask({ Bool: { k: 'false' } }, { k: 'true' })).toBe(false)
  })

  test('what it does not know is an error, not a no and not a yes', () => {
    const strange = { ...READ, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }
    expect(() => allowed([strange], 's3:GetObject', 'arn:aws:s3:::b/t/a', { 'aws:SourceIp': '1.1.1.1' })).toThrow(
      'IpAddress',
    )
    const inverted = { Effect: 'Allow', NotAction: 's3:*', Action: 's3:*', Resource: '*' } as unknown as Statement
    expect(() => allowed([inverted], 's3:GetObject', 'x')).toThrow('NotAction')
  })
})

describe('VersionsAreCreatedOnce', () => {
  const statements: Statement[] = [
    versionsAreCreatedOnce('arn:aws:s3:::b'),
    { Effect: 'Allow', Action: 's3:*', Resource: '*' },
  ]
  const put = (key: string, context: object) =>
    judge(statements, { action: 's3:PutObject', resource: `arn:aws:s3:::b/${key}`, context: { ...context } }).allowed
  const creates = { 's3:ObjectCreationOperation': 'true' }

  test.each([
    ['a version under the condition', 't/metadata/v7.metadata.json', { ...creates, 's3:if-none-match': '*' }, true],
    ['a version without it', 't/metadata/v7.metadata.json', creates, false],
    ['a compressed version without it', 't/metadata/v7.gz.metadata.json', creates, false],
    ['a version of a table deep in the bucket', 'a/b/c/metadata/v7.metadata.json', creates, false],
    [
      'the parts of an upload, which cannot carry it',
      't/metadata/v7.metadata.json',
      { 's3:ObjectCreationOperation': 'false' },
      true,
    ],
    ['the hint, which is replaced', 't/metadata/version-hint.text', creates, true],
    ['a manifest', 't/metadata/0a-m0.avro', creates, true],
    ['a data file', 't/data/0a.parquet', creates, true],
  ])('%s', (_name, key, context, allowed) => {
    expect(put(key, context)).toBe(allowed)
  })
})

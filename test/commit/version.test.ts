import { describe, expect, test } from 'vitest'
import { encodeHint, isMetadataFile, parseHint, parseVersionName, versionName } from '../../src/commit/version.ts'

describe('version names', () => {
  test('a name and its version are one thing', () => {
    for (const version of [0, 1, 9, 10, 99_999]) {
      expect(parseVersionName(versionName(version))).toEqual({ version, form: 'plain' })
      expect(parseVersionName(versionName(version, 'gzip'))).toEqual({ version, form: 'gzip' })
    }
  })

  test('other names are no versions', () => {
    const names = [
      'metadata/v1.json',
      'metadata/v01.metadata.json',
      'metadata/00001-x.metadata.json',
      'v1.metadata.json',
    ]
    expect(names.map(parseVersionName)).toEqual([undefined, undefined, undefined, undefined])
  })

  test('a hint is a number with or without a newline, anything else is none', () => {
    expect(parseHint(encodeHint(12))).toBe(12)
    expect(parseHint(new TextEncoder().encode('7\n'))).toBe(7)
    for (const text of ['', 'v7', '1.5', '-1', '99999999999999999999']) {
      expect(parseHint(new TextEncoder().encode(text))).toBeUndefined()
    }
  })

  test('a location that ends like a metadata file is one', () => {
    expect(isMetadataFile('s3://b/t/metadata/00003-abc.metadata.json')).toBe(true)
    expect(isMetadataFile('s3://b/t')).toBe(false)
  })
})

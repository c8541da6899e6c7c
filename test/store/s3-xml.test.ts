/** The XML of listings and errors, as stores write it and as networks break it. */
import { describe, expect, test } from 'vitest'
import { parseError, parseListing } from '../../src/store/s3-xml.ts'

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
const NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

const listing = (content: string) => parseListing(`${HEAD}<ListBucketResult ${NS}>${content}</ListBucketResult>`)

describe('a listing', () => {
  test('has keys, sizes, etags and times', () => {
    const page = listing(`
      <Name>b</Name><Prefix>a%2F</Prefix><KeyCount>2</KeyCount><EncodingType>url</EncodingType>
      <IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;&#43;/=</NextContinuationToken>
      <Contents><Key>a/x+y%20z%26</Key><LastModified>2026-11-25T12:00:00.123Z</LastModified>
        <ETag>&quot;1&quot;</ETag><Size>5368709120</Size><Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>
        <StorageClass>STANDARD</StorageClass></Contents>
      <CommonPrefixes><Prefix>a/p/</Prefix></CommonPrefixes>
      <Contents><ETag>&#34;2&#x22;</ETag><Key>b</Key><Size>0</Size></Contents>`)
    expect(page).toEqual({
      truncated: true,
      token: 't&+/=',
      objects: [
        { key: 'a/x y z&', size: 5_368_709_120, etag: '"1"', lastModifiedMs: Date.UTC(2026, 10, 25, 12, 0, 0, 123) },
        { key: 'b', size: 0, etag: '"2"', lastModifiedMs: 0 },
      ],
    })
  })

  test('that is not URL-encoded has its keys as they stand', () => {
    const page = listing('<Name>b</Name><Contents><Key>100%25 a+b &lt;&apos;&gt;&#xe9;&bogus;</Key></Contents>')
    expect(page).toMatchObject({ objects: [{ key: "100%25 a+b <'>é&bogus;" }], truncated: false, token: undefined })
  })

  test('may be empty, with tags that close themselves', () => {
    const page = listing('<Name>b</Name><Prefix/><Marker /><NextContinuationToken/><KeyCount>0</KeyCount>')
    expect(page).toEqual({ objects: [], truncated: false, token: undefined })
  })

  test.each([
    '',
    'no XML',
    '<!DOCTYPE html><html><body><p>Welcome<br></body></html>',
    `${HEAD}<Error><Code>SlowDown</Code></Error>`,
    `${HEAD}<ListBucketResult></ListBucketResult>`,
    `${HEAD}<ListBucketResultOther><Name>b</Name></ListBucketResultOther>`,
  ])('is not %j', (xml) => {
    expect(parseListing(xml)).toBeUndefined()
  })

  test('that has no end is cut', () => {
    const whole = `${HEAD}<ListBucketResult ${NS}><Name>b</Name><Contents><Key>a</Key></Contents></ListBucketResult>`
    const afterRoot = whole.indexOf('<Name>')
    for (let length = afterRoot; length < whole.length; length++) {
      expect(parseListing(whole.slice(0, length))).toBe('cut')
    }
  })
})

describe('an error', () => {
  test('has fields', () => {
    const xml = `${HEAD}<Error><Code>NoSuchKey</Code><Message>It&apos;s not there</Message>\n<Region/></Error>`
    expect(parseError(xml)).toEqual({ Code: 'NoSuchKey', Message: "It's not there", Region: '' })
  })

  test.each(['', '<html></html>', 'Bad Gateway', `${HEAD}<Error><Code>NoSuchKey</Code>`])('is not %j', (xml) => {
    expect(parseError(xml)).toBeUndefined()
  })
})

/**
 * The XML of the two answers that come in great number: listings and errors. Both are flat, and no element holds another of
 * its name, so that its end is where its end tag is next. Everything else is parsed by the SDK.
 */
import { decodeListedKey } from './s3-quirks.ts'
import type { S3Page } from './s3-requests.ts'
import type { ObjectInfo } from './store.ts'

/** An element: its name, and where its content is. */
type Visit = (name: string, start: number, end: number) => void

/** The page of a listing; undefined if the text is none; `cut` if it has no end. */
export function parseListing(xml: string): S3Page | undefined | 'cut' {
  const root = rootOf(xml, 'ListBucketResult')
  if (root === undefined || root === 'cut') return root
  const listed: Record<string, string>[] = []
  const about: Record<string, string> = {}
  eachChild(xml, ...root, (name, start, end) => {
    if (name === 'Contents') listed.push(fieldsOf(xml, start, end))
    else if (name !== 'CommonPrefixes') about[name] = textOf(xml, start, end)
  })
  if (listed.length === 0 && about['Name'] === undefined && about['KeyCount'] === undefined) return undefined
  const encoding = about['EncodingType']
  return {
    objects: listed.map((fields) => objectOf(fields, encoding)),
    truncated: about['IsTruncated'] === 'true',
    token: about['NextContinuationToken'] || undefined,
  }
}

function objectOf(fields: Readonly<Record<string, string>>, encoding: string | undefined): ObjectInfo {
  return {
    key: decodeListedKey(fields['Key'] ?? '', encoding),
    size: Number(fields['Size'] ?? 0),
    etag: fields['ETag'] ?? '',
    lastModifiedMs: Date.parse(fields['LastModified'] ?? '') || 0,
  }
}

/** `Code`, `Message` and the rest of an S3 error; undefined if the text is none. */
export function parseError(xml: string): Readonly<Record<string, string>> | undefined {
  const root = rootOf(xml, 'Error')
  return root === undefined || root === 'cut' ? undefined : fieldsOf(xml, ...root)
}

/** Where the content of the outermost element is, if it has this name. */
function rootOf(xml: string, name: string): readonly [start: number, end: number] | undefined | 'cut' {
  const tag = new RegExp(`^\\s*(?:<\\?[^>]*\\?>\\s*)?<${name}(?:\\s[^>]*)?>`).exec(xml)
  if (!tag) return undefined
  const end = xml.lastIndexOf(`</${name}>`)
  return end < tag[0].length ? 'cut' : [tag[0].length, end]
}

function fieldsOf(xml: string, from: number, to: number): Record<string, string> {
  const fields: Record<string, string> = {}
  eachChild(xml, from, to, (name, start, end) => {
    fields[name] = textOf(xml, start, end)
  })
  return fields
}

function eachChild(xml: string, from: number, to: number, visit: Visit): void {
  for (let at = from; ;) {
    const open = xml.indexOf('<', at)
    const close = xml.indexOf('>', open)
    if (open === -1 || close === -1 || close >= to) return
    at = close + 1
    const tag = xml.slice(open + 1, close)
    const blank = tag.search(/[\s/]/)
    const name = blank === -1 ? tag : tag.slice(0, blank)
    if (tag.endsWith('/')) {
      visit(name, at, at)
      continue
    }
    const end = xml.indexOf(`</${name}>`, at)
    if (end === -1 || end > to) return
    visit(name, at, end)
    at = end + name.length + 3
  }
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function textOf(xml: string, start: number, end: number): string {
  const raw = xml.slice(start, end)
  if (!raw.includes('&')) return raw
  return raw.replaceAll(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? whole
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex as string, 16)
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole
  })
}

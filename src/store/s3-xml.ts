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
  const listed: Listed[] = []
  const about: Record<string, string> = {}
  eachChild(xml, ...root, (name, start, end) => {
    if (name === 'Contents') listed.push(listedIn(xml, start, end))
    else if (name !== 'CommonPrefixes') about[name] = textOf(xml, start, end)
  })
  if (listed.length === 0 && about['Name'] === undefined && about['KeyCount'] === undefined) return undefined
  const encoding = about['EncodingType']
  return {
    // The encoding may be said after what is encoded.
    objects: listed.map((one) => ({ ...one, key: decodeListedKey(one.key, encoding) })),
    truncated: about['IsTruncated'] === 'true',
    token: about['NextContinuationToken'] || undefined,
  }
}

type Listed = { -readonly [Field in keyof ObjectInfo]: ObjectInfo[Field] }

/** One object; of a thousand in a page, so only what is asked for is looked at. */
function listedIn(xml: string, from: number, to: number): Listed {
  const listed: Listed = { key: '', size: 0, etag: '', lastModifiedMs: 0 }
  eachChild(xml, from, to, (name, start, end) => {
    if (name === 'Key') listed.key = textOf(xml, start, end)
    else if (name === 'Size') listed.size = Number(xml.slice(start, end)) || 0
    else if (name === 'ETag') listed.etag = textOf(xml, start, end)
    else if (name === 'LastModified') listed.lastModifiedMs = Date.parse(xml.slice(start, end)) || 0
  })
  return listed
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
    const closed = xml[close - 1] === '/'
    const name = nameOf(xml.slice(open + 1, closed ? close - 1 : close))
    const end = closed ? at : endOf(xml, at, name)
    if (end === -1 || end > to) return
    visit(name, at, end)
    at = closed ? at : end + name.length + 3
  }
}

/** The name in a tag that may have attributes. */
function nameOf(tag: string): string {
  const blank = tag.indexOf(' ')
  return blank === -1 ? tag : tag.slice(0, blank)
}

function endOf(xml: string, from: number, name: string): number {
  const next = xml.indexOf('<', from)
  // Most elements hold text alone, after which comes their own end.
  return xml[next + 1] === '/' ? next : xml.indexOf(`</${name}>`, from)
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function textOf(xml: string, start: number, end: number): string {
  const raw = xml.slice(start, end)
  if (!raw.includes('&')) return raw
  // How the quotes around most etags are written.
  const quoted = raw.replaceAll('&quot;', '"')
  if (!quoted.includes('&')) return quoted
  return raw.replaceAll(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? whole
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex as string, 16)
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole
  })
}

/** Signature Version 4 in the one form that small requests need: in headers, over a body that is there (AWS, "Signing requests"). */
import { createHmac, hash } from 'node:crypto'
import type { S3Credentials } from './s3-options.ts'

const ALGORITHM = 'AWS4-HMAC-SHA256'
const TERMINATOR = 'aws4_request'
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export interface Signable {
  readonly method: string
  /** Encoded as it is sent. */
  readonly path: string
  /** Encoded as it is sent, its names in order; see `queryOf`. */
  readonly query: string
  /** By lower-case names. All are signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

export interface SigningScope {
  readonly region: string
  readonly service: string
}

/** Signs for one region. Kept are the text of the second, and the key that a day and a secret give. */
export class S3Signer {
  readonly #scope: SigningScope
  #date: { readonly second: number; readonly text: string } | undefined
  #key: { readonly secret: string; readonly day: string; readonly key: Uint8Array } | undefined

  constructor(scope: SigningScope) {
    this.#scope = scope
  }

  /** The headers of the request with those that sign it. */
  sign(request: Signable, credentials: S3Credentials, dateMs: number): Record<string, string> {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const date = this.#dateOf(dateMs)
    const day = date.slice(0, 8)
    const bodyHash = request.body && request.body.length > 0 ? hash('sha256', request.body, 'hex') : EMPTY_SHA256
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': bodyHash,
      'x-amz-date': date,
      ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
    }
    const names = Object.keys(headers).toSorted()
    const signedNames = names.join(';')
    const lines = names.map((name) => `${name}:${canonical(headers[name]!)}\n`).join('')
    const whole = `${request.method}\n${request.path}\n${request.query}\n${lines}\n${signedNames}\n${bodyHash}`
    const scope = `${day}/${this.#scope.region}/${this.#scope.service}/${TERMINATOR}`
    const toSign = `${ALGORITHM}\n${date}\n${scope}\n${hash('sha256', whole, 'hex')}`
    const signature = createHmac('sha256', this.#keyOf(secretAccessKey, day)).update(toSign).digest('hex')
    headers['authorization'] =
      `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`
    return headers
  }

  /** `20261125T235959Z`; one text for all requests of a second. */
  #dateOf(ms: number): string {
    const second = Math.floor(ms / 1_000)
    if (this.#date?.second !== second) {
      this.#date = { second, text: new Date(second * 1_000).toISOString().replaceAll(/[:-]|\.\d{3}/g, '') }
    }
    return this.#date.text
  }

  #keyOf(secret: string, day: string): Uint8Array {
    if (this.#key?.secret !== secret || this.#key.day !== day) {
      const { region, service } = this.#scope
      const parts = [day, region, service, TERMINATOR]
      const key = parts.reduce<Uint8Array>((by, part) => hmac(by, part), Buffer.from(`AWS4${secret}`))
      this.#key = { secret, day, key }
    }
    return this.#key.key
  }
}

/** As a header counts: blanks at its ends are none, and many are one. */
function canonical(value: string): string {
  return /^ | {2}|\t| $/.test(value) ? value.replaceAll(/[ \t]+/g, ' ').trim() : value
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}

/** A query as it is sent and signed: encoded, in the order of its names. */
export function queryOf(values: Readonly<Record<string, string>>): string {
  const names = Object.keys(values).toSorted()
  return names.map((name) => `${name}=${encode(values[name]!)}`).join('&')
}

/** The path of a key as it is sent and signed. */
export function pathOf(key: string): string {
  return `/${encode(key).replaceAll('%2F', '/')}`
}

/** All but the unreserved characters of RFC 3986 is encoded, from UTF-8. */
function encode(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text
  const mark = (one: string) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, mark)
}

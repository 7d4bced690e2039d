/** A request of the fetch endpoint, read from its path and query. Pure. */

import { KissError } from '../errors.js'
import { parseSha256 } from '../http/digest.js'
import { parsePassedNames } from '../http/passed-headers.js'
import { parseUrl } from '../http/parse-url.js'
import { decodeLenient } from '../http/urls.js'
import { parseDuration } from '../units.js'

export interface FetchQuery {
  readonly url: URL
  /** Milliseconds. */
  readonly ttl: number | undefined
  readonly sha256: string | undefined
  /** Lower-case names of `passheaders`, which replace the server's own list, as in KissCache; undefined: not given. */
  readonly passed: readonly string[] | undefined
}

const parameters = ['url', 'ttl', 'sha256', 'passheaders'] as const
type Parameter = (typeof parameters)[number]

function isParameter(name: string): name is Parameter {
  return (parameters as readonly string[]).includes(name)
}

/** The raw values of the known parameters, still encoded. The first unencoded `&` ends each. */
function rawParameters(query: string): Map<Parameter, string> {
  const found = new Map<Parameter, string>()
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const name = decodeForm(equals === -1 ? pair : pair.slice(0, equals))
    if (!isParameter(name)) continue
    if (found.has(name)) throw new KissError('usage', `${name}: given twice; percent-encode the URL, its & too`)
    found.set(name, equals === -1 ? '' : pair.slice(equals + 1))
  }
  return found
}

/** As forms encode: `+` is a blank. */
function decodeForm(raw: string): string {
  return decodeLenient(raw.replaceAll('+', ' '))
}

/** Percent-decoded once. A value with a literal `://` was not encoded by its author, so its `+` is a plus. */
function decodeUrl(raw: string): string {
  return raw.includes('://') ? decodeLenient(raw) : decodeForm(raw)
}

/** @throws KissError `bad-url` or `usage` */
export function parseFetchQuery(query: string): FetchQuery {
  const raw = rawParameters(query)
  const ttl = raw.get('ttl')
  const sha256 = raw.get('sha256')
  const passheaders = raw.get('passheaders')
  return {
    url: urlOf(raw.get('url')),
    ttl: ttl === undefined ? undefined : parseDuration(decodeForm(ttl), 'ttl'),
    sha256: sha256 === undefined ? undefined : parseSum(decodeForm(sha256)),
    passed: passheaders === undefined ? undefined : parsePassedNames(decodeForm(passheaders)),
  }
}

function urlOf(raw: string | undefined): URL {
  if (raw === undefined || raw === '') {
    throw new KissError('bad-url', 'url: missing; ask for /api/v1/fetch?url=https%3A%2F%2Fhost%2Fpath')
  }
  return parseUrl(decodeUrl(raw), 'url')
}

function parseSum(text: string): string {
  const sha256 = parseSha256(text.trim())
  if (sha256 === undefined) throw new KissError('usage', 'sha256: not a SHA-256 in 64 hex digits')
  return sha256
}

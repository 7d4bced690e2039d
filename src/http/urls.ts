/** The parts of a URL that identify content, hold a credential, or may be shown. Pure. */

import { printable } from '../printable.js'

interface CredentialParameter {
  /** Lower-case name, or a prefix that ends in `*`. */
  readonly name: string
  /** Counts only beside one of these (lower case): the name alone is too common to mean a credential. */
  readonly beside?: readonly string[]
}

/**
 * Query parameters that sign or authenticate a request, and so do not identify the content. A parameter that may also select the
 * content (`key`, `id`, `sid`) is not listed: leaving it in the key is always safe.
 */
const credentialParameters: readonly CredentialParameter[] = [
  // AWS Signature Version 4, and all compatible storage.
  { name: 'x-amz-*' },
  // AWS Signature Version 2, CloudFront signed URLs, Google Cloud Storage V2, Alibaba OSS V1.
  { name: 'awsaccesskeyid' },
  { name: 'googleaccessid' },
  { name: 'ossaccesskeyid' },
  { name: 'signature' },
  { name: 'key-pair-id' },
  { name: 'expires', beside: ['signature'] },
  { name: 'policy', beside: ['signature'] },
  { name: 'security-token', beside: ['signature'] },
  // Google Cloud Storage V4, Alibaba OSS V4 (its other x-oss- parameters process images), Tencent COS.
  { name: 'x-goog-*' },
  ...['signature', 'signature-version', 'credential', 'date', 'expires', 'additional-headers', 'security-token'].map(
    (rest) => ({ name: `x-oss-${rest}` }),
  ),
  { name: 'q-sign-*' },
  { name: 'q-ak' },
  { name: 'q-key-time' },
  { name: 'q-header-list' },
  { name: 'q-url-param-list' },
  { name: 'q-signature' },
  { name: 'x-cos-security-token' },
  // Azure shared access signatures; the rs?? parameters choose response headers and stay.
  { name: 'sig' },
  ...['se', 'sp', 'st', 'sv', 'sr', 'sip', 'spr', 'ss', 'srt', 'si', 'sdd', 'ses', 'skoid', 'sktid', 'skt', 'ske'].map(
    (name) => ({ name, beside: ['sig'] }),
  ),
  ...['sks', 'skv', 'saoid', 'suoid', 'scid', 'sduoid', 'skdutid'].map((name) => ({ name, beside: ['sig'] })),
  // Akamai tokens.
  { name: 'hdnea' },
  { name: 'hdnts' },
  { name: '__token__' },
  { name: '__gda__' },
  // Tokens and keys in plain words: GitLab, Gitea, Artifactory, OAuth, Jenkins and many more.
  ...['token', 'access_token', 'private_token', 'job_token', 'deploy_token', 'auth_token', 'oauth_token'].map(
    (name) => ({
      name,
    }),
  ),
  ...['id_token', 'refresh_token', 'session_token', 'sessiontoken', 'feed_token', 'rss_token', 'bearer', 'jwt'].map(
    (name) => ({ name }),
  ),
  ...['auth', 'authorization', 'api_key', 'apikey', 'api-key', 'x-api-key', 'access_key', 'accesskey'].map((name) => ({
    name,
  })),
  ...['private-token', 'job-token', 'client_secret', 'secret', 'password', 'passwd', 'hmac'].map((name) => ({ name })),
]

const exactParameters = new Map(
  credentialParameters.filter(({ name }) => !name.endsWith('*')).map((parameter) => [parameter.name, parameter]),
)
const prefixes = credentialParameters.filter(({ name }) => name.endsWith('*')).map(({ name }) => name.slice(0, -1))

/** The lower-case name of one `name=value` of a query. */
function parameterName(pair: string): string {
  const name = pair.split('=', 1)[0]?.replaceAll('+', ' ') ?? ''
  try {
    return decodeURIComponent(name).toLowerCase()
  } catch {
    // A name with broken percent-encoding is no known credential: the raw name is used.
    return name.toLowerCase()
  }
}

function isCredential(name: string, names: ReadonlySet<string>): boolean {
  if (prefixes.some((prefix) => name.startsWith(prefix))) return true
  const parameter = exactParameters.get(name)
  return parameter !== undefined && (parameter.beside?.some((other) => names.has(other)) ?? true)
}

/** The query's `name=value` pairs as written, and which of them are credentials. */
function queryPairs(url: URL): { pair: string; credential: boolean }[] {
  if (url.search.length < 2) return []
  const pairs = url.search.slice(1).split('&')
  const names = new Set(pairs.map(parameterName))
  return pairs.map((pair) => ({ pair, credential: isCredential(parameterName(pair), names) }))
}

/**
 * The cache key of a plain http(s) URL: without userinfo, fragment and credential parameters. The rest of the query stays
 * byte for byte and in its order. Idempotent; does not change its argument.
 */
export function canonicalUrl(url: URL): URL {
  const canonical = new URL(url)
  canonical.username = ''
  canonical.password = ''
  canonical.hash = ''
  const pairs = queryPairs(url)
  const kept = pairs.filter(({ credential }) => !credential)
  if (kept.length < pairs.length) canonical.search = kept.map(({ pair }) => pair).join('&')
  // `https://host/path?` and `https://host/path` are equal requests.
  else if (url.search === '') canonical.search = ''
  return canonical
}

/** Does the URL carry userinfo, a signature or a token? */
export function carriesCredential(url: URL): boolean {
  return url.username !== '' || url.password !== '' || queryPairs(url).some(({ credential }) => credential)
}

/**
 * The only form in which a URL may stand in a message, a log or a page: no userinfo, no fragment, `?…` for a query. Text
 * that is no URL is shown as far as it cannot hold one of these.
 */
export function displayUrl(url: URL | string): string {
  // The parser drops tabs and line ends: a text that has some is shown as it is.
  const parsed = typeof url === 'string' ? (/\p{Cc}/u.test(url) ? undefined : tryParse(url)) : url
  // Without `//` there is no authority: `user:secret@host/path` is a URL whose scheme is `user`.
  if (parsed?.href.startsWith(`${parsed.protocol}//`) !== true) return displayText(String(url))
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search === '' ? '' : '?…'}`
}

function tryParse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    // Not a URL: the caller decides.
    return undefined
  }
}

/** A text as it was written, as far as it cannot hold one of these. */
export function displayText(text: string): string {
  const [path = ''] = text.split(/[?#]/, 1)
  const shown = printable(path.slice(path.lastIndexOf('@') + 1))
  return `${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}${path.length < text.length ? '?…' : ''}`
}

/** Bytes of the longest file name on common file systems. */
const longestName = 255

/**
 * The last segment of the path as the name of a file: percent-decoded, one segment whatever it decodes to, no control
 * characters, at most 255 bytes; `download` where nothing is left.
 */
export function fileNameOf(url: URL | string): string {
  const pathname = typeof url === 'string' ? url : url.pathname
  return safeFileName(decodeLenient(pathname.slice(pathname.lastIndexOf('/') + 1)))
}

/** Turns any text into the name of a file in one directory. */
export function safeFileName(text: string): string {
  // Control, separator, and the bidirectional overrides that let `gpj.exe` look like another type.
  const name = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069/\\]/gu, '_').trim()
  // In stream mode a decoder keeps the first half of a character that was cut to itself.
  const short = new TextDecoder().decode(Buffer.from(name).subarray(0, longestName), { stream: true })
  return /^\.{0,2}$/.test(short) ? 'download' : short
}

/** One percent-encoded character of UTF-8: one byte, or a lead byte and as many others as it announces. */
const encodedCharacter =
  /%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}|%f[0-4](?:%[89ab][0-9a-f]){3}/gi

/** Decodes valid percent-encoded UTF-8 and leaves the rest as it is. */
export function decodeLenient(text: string): string {
  return text.replace(encodedCharacter, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      // Overlong, or a surrogate: not UTF-8, so the bytes stay encoded.
      return encoded
    }
  })
}

/** With its port; of `s3://bucket/key` the bucket. */
export function hostOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
}

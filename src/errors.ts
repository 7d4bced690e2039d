/** The error class of kiss, and the table of its codes with their HTTP status, exit code and hint. */

interface Meaning {
  /** HTTP status, RFC 9110 §15. */
  readonly status: number
  /** Process exit code, as the README lists them. */
  readonly exit: number
  /** A hint for the user, if the message has none. */
  readonly hint?: string
}

const table = {
  internal: { status: 500, exit: 1 },
  usage: { status: 400, exit: 2 },
  'bad-url': { status: 400, exit: 2 },
  'unsupported-scheme': { status: 400, exit: 2 },
  configuration: { status: 500, exit: 2 },
  'client-forbidden': { status: 403, exit: 3 },
  'upstream-forbidden': { status: 403, exit: 3 },
  misdirected: { status: 421, exit: 2 },
  loop: { status: 508, exit: 2 },
  'origin-refused': { status: 403, exit: 3 },
  'origin-failed': { status: 502, exit: 4 },
  'origin-unreachable': { status: 502, exit: 4 },
  'origin-timeout': { status: 504, exit: 4 },
  'content-changed': { status: 502, exit: 5 },
  'length-mismatch': { status: 502, exit: 5 },
  'digest-mismatch': { status: 412, exit: 5 },
  offline: { status: 504, exit: 4, hint: 'run it without --offline once' },
  sealed: { status: 404, exit: 4, hint: 'load it with kiss bundle load' },
  'out-of-time': { status: 504, exit: 4, hint: 'raise --max-time' },
  quota: { status: 507, exit: 6, hint: 'raise --quota' },
  disk: { status: 507, exit: 6 },
  credential: { status: 502, exit: 7 },
  busy: { status: 503, exit: 4 },
  draining: { status: 503, exit: 4 },
  interrupted: { status: 503, exit: 130 },
} as const satisfies Record<string, Meaning>

export type ErrorCode = keyof typeof table

/** Is this received text a code of the table? */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(table, text)
}

export interface KissErrorOptions {
  readonly cause?: unknown
  /** Overrides the table: an origin's own 4xx passes through. */
  readonly status?: number
  /** Overrides the table's hint. */
  readonly hint?: string
  /** Milliseconds until a retry may succeed. */
  readonly retryAfter?: number
}

/** Found on the errors of every copy of kiss in the process: a plugin may have brought its own. */
const mark = Symbol.for('kiss-cache.KissError')

/**
 * An expected failure. The message names the action, its object and the reason, has URLs only in their displayable form (no
 * query, no userinfo), and may be shown to users, clients and in logs.
 */
export class KissError extends Error {
  override readonly name = 'KissError'
  readonly code: ErrorCode
  readonly status: number
  readonly exit: number
  readonly hint: string | undefined
  readonly retryAfter: number | undefined

  /** Also recognises the errors of another copy of kiss. */
  static override [Symbol.hasInstance](value: unknown): value is KissError {
    return value instanceof Error && mark in value
  }

  constructor(code: ErrorCode, message: string, options: KissErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const meaning: Meaning = table[code]
    this.code = code
    this.status = options.status ?? meaning.status
    this.exit = meaning.exit
    this.hint = options.hint ?? meaning.hint
    this.retryAfter = options.retryAfter
  }

  get [mark](): true {
    return true
  }
}

/** Wraps what is not yet a {@link KissError} under `code`, keeping it as the cause. */
export function asKissError(error: unknown, code: ErrorCode = 'internal', what?: string): KissError {
  if (error instanceof KissError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new KissError(code, what === undefined ? reason : `${what}: ${reason}`, { cause: error })
}

/** The system error code (`ENOSPC`, `ECONNRESET`, `UND_ERR_SOCKET`) of an error or of the nearest cause that has one. */
export function systemCode(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = (e as NodeJS.ErrnoException).code
    if (typeof code === 'string' && !(e instanceof KissError)) return code
  }
  return undefined
}

const certificate = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/** Failures of TLS that may pass: the server is in trouble, or a record was damaged on its way. */
const passing = /^ERR_SSL_(TLSV1_ALERT_INTERNAL_ERROR|\w*BAD_RECORD_MAC)$/

/** Did TLS fail for good, as a rule because the certificate is not accepted? */
export function isCertificateError(error: unknown): boolean {
  const code = systemCode(error) ?? ''
  return certificate.test(code) && !passing.test(code)
}

/** The failure of a proxy that the environment names. The message names the proxy; the cause has the system code. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
}

/** The failure of a proxy that is this error or one of its causes. */
export function proxyErrorIn(error: unknown): ProxyError | undefined {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof ProxyError) return e
  return undefined
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  ERR_CONNECTION_RESET: 'the connection was reset',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  EPIPE: 'the connection was closed',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the origin did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'the origin stopped sending',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body does not have the announced length',
}

/** What went wrong in words: of a proxy its message, of a known system error plain words, otherwise the message. */
export function reasonOf(error: unknown): string {
  const ofProxy = proxyErrorIn(error)
  if (ofProxy) return ofProxy.message
  const code = systemCode(error)
  const known = code === undefined ? undefined : (words[code] ?? reasonOfTls(error))
  return known ?? (error instanceof Error ? error.message : String(error))
}

/** The reason in an error of OpenSSL, whose message has addresses and files of its source as well. */
function reasonOfTls(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code, reason } = e as { readonly code?: unknown; readonly reason?: unknown }
    if (typeof code === 'string' && code.startsWith('ERR_SSL_') && typeof reason === 'string')
      return `TLS failed: ${reason}`
  }
  return undefined
}

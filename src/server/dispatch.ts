/** From a request to its reply: checks in their order, route, method, handler. Writes nothing. */

import { KissError } from '../errors.js'
import { problemOf, problemReply, type Problem } from './problem.js'
import type { Reply } from './reply.js'
import {
  allowedMethods,
  findRoute,
  type Handler,
  type Handlers,
  type Incoming,
  type Method,
  type Route,
  type Services,
} from './route.js'
import { parseAuthority } from './self.js'

/** Bytes of a request target: longer ones name no artifact. */
const longestUrl = 8192

export interface Located {
  readonly route: Route | undefined
  readonly request: Incoming
}

/** Which route a request is for. */
export function locate(request: Incoming, routes: readonly Route[]): Located {
  const found = findRoute(routes, request.path)
  return { route: found?.route, request: { ...request, params: found?.params ?? [] } }
}

/** The reply to a request, or the error that becomes one. */
export async function dispatch({ route, request }: Located, services: Services): Promise<Reply> {
  refusePassed(request, services)
  checkVersion(request)
  if (request.path.length + request.query.length > longestUrl) {
    return problemReply({ status: 414, code: 'url-too-long', detail: `a URL may have ${longestUrl} bytes` })
  }
  checkFraming(request)
  checkHost(request, services, route?.anyHost === true)
  if (route === undefined || route.guard !== 'open') checkAddress(request, services)
  if (route === undefined) {
    // CONNECT, and OPTIONS of `*` (RFC 9112 §3.2), name no path, so 404 does not apply.
    if (!request.path.startsWith('/') && !isMethod(request.method)) return refuseMethod('this server', ['GET', 'HEAD'])
    return problemReply({ status: 404, code: 'not-found', detail: `there is nothing at ${request.path.slice(0, 200)}` })
  }
  const refusal = checkToken(route, request, services)
  if (refusal !== undefined) return refusal
  if (route.refuseWhileDraining === true && services.draining()) {
    throw new KissError('draining', 'this server is shutting down', { retryAfter: 5000 })
  }
  const handler = findHandler(route, request, services)
  if (handler === undefined) {
    return refuseMethod('this address', allowedMethods(route, services.access.hasAdmin))
  }
  return handler(request, services)
}

/**
 * RFC 9110 §7.6.3: Via shows that a request passed this server before. This check comes first, so that the answer names the
 * loop, and not a foreign Host or address.
 */
function refusePassed({ headers }: Incoming, { self }: Services): void {
  if (self.hasPassed(headers.via)) throw new KissError('loop', 'this request has passed this server before')
}

/** RFC 9110 §2.5: node:http takes the request line of any version for one of HTTP/1. */
function checkVersion({ version }: Incoming): void {
  if (!version.startsWith('1.')) throw new KissError('usage', 'this server speaks HTTP/1.1', { status: 505 })
}

/**
 * RFC 9112 §6.1: a proxy that knows HTTP/1.0 only does not see the end of such a request, so the following bytes may belong to
 * another client.
 */
function checkFraming({ version, headers }: Incoming): void {
  if (version === '1.0' && headers['transfer-encoding'] !== undefined) {
    throw new KissError('usage', 'HTTP/1.0 has no Transfer-Encoding')
  }
}

function refuseMethod(what: string, methods: readonly string[]): Reply {
  const allowed = methods.join(', ')
  const detail = `${what} takes ${allowed === '' ? 'requests only from the administrator, and there is none' : allowed}`
  return problemReply({
    status: 405,
    code: 'method-not-allowed',
    detail,
    headers: { Allow: allowed },
    ...(allowed === '' && { hint: 'start the server with --admin-token-file' }),
  })
}

function checkHost({ headers }: Incoming, { self }: Services, any: boolean): void {
  if (headers.host === undefined) return
  const authority = parseAuthority(headers.host)
  if (authority === undefined) throw new KissError('usage', 'the Host header is not a host')
  if (!any && !self.answersTo(authority.host)) {
    throw new KissError('misdirected', `this server does not answer to ${authority.host}`, {
      hint: 'add --server-name, or use an address',
    })
  }
}

function checkAddress({ client }: Incoming, { access }: Services): void {
  if (access.admitsAddress(client)) return
  throw new KissError('client-forbidden', `${client ?? 'an unknown address'} may not use this server`, {
    hint: 'see --allow-client',
  })
}

function checkToken(route: Route, { headers }: Incoming, { access }: Services): Reply | undefined {
  if (route.guard === 'open') return undefined
  const page = route.guard === 'client'
  if (access.admitsToken(headers, page ? 'page' : 'fetch')) return undefined
  const detail = 'this server requires a token: X-Kiss-Token'
  const hint = 'kiss fetch reads it from --server-token-file, or from --parent-token-file for a parent'
  if (!page) return problemReply({ status: 403, code: 'client-forbidden', detail, hint })
  // A browser asks its user; the token is the password.
  const challenge = { 'WWW-Authenticate': 'Basic realm="kiss", charset="UTF-8"' }
  return problemReply({ status: 401, code: 'client-forbidden', detail, headers: challenge })
}

function isMethod(name: string): name is Method {
  return name === 'GET' || name === 'HEAD' || name === 'DELETE' || name === 'POST'
}

function findHandler(route: Route, { method, role }: Incoming, { access }: Services): Handler | undefined {
  if (!isMethod(method)) return undefined
  const of = (handlers: Handlers = {}): Handler | undefined =>
    handlers[method] ?? (method === 'HEAD' ? handlers.GET : undefined)
  const handler = of(route.handlers)
  const admin = of(route.admin)
  if (handler !== undefined || !access.hasAdmin || admin === undefined) return handler
  return role === 'admin' ? admin : refuseStranger
}

function refuseStranger(): Reply {
  const detail = 'this takes the admin token, as a Bearer'
  const challenge = { 'WWW-Authenticate': 'Bearer realm="kiss"' }
  return problemReply({ status: 401, code: 'client-forbidden', detail, headers: challenge })
}

/** Records an error for the log line; an unexpected error is logged in full. */
export function noteError(error: unknown, { notes }: Incoming, report: (error: unknown) => void): Problem {
  const problem = problemOf(error)
  if (problem.code === 'internal') report(error)
  notes.code = problem.code
  return problem
}

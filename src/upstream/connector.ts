/**
 * Connects sockets under the address guard. The checked address is the address that is connected; the address of the open
 * socket is checked once more before a byte is written.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import type { AddressGuard } from './guard.js'
import { slabReads } from './slabs.js'

/** Milliseconds for a connection, and as many again for its TLS handshake. */
const CONNECT_TIMEOUT = 10_000

export interface ConnectorOptions {
  readonly guard: AddressGuard
  readonly lookup?: LookupFunction | undefined
  readonly secureContext?: SecureContext | undefined
}

export function guardedConnector({ guard, lookup, secureContext }: ConnectorOptions): buildConnector.connector {
  const secure = buildConnector({ timeout: CONNECT_TIMEOUT, ...(secureContext && { secureContext }) })
  return (options, callback) => {
    const { hostname, protocol } = options
    const port = options.port === '' ? (protocol === 'https:' ? '443' : '80') : options.port
    const check = (address: string) => guard.checkAddress(address, hostname, Number(port))

    const refused = isIP(hostname) === 0 ? undefined : refusal(check, hostname)
    if (refused !== undefined) return callback(refused, null)
    const plain = buildConnector({
      timeout: CONNECT_TIMEOUT,
      autoSelectFamily: true,
      lookup: filtered(lookup ?? systemLookup, check),
      // TLS reads from the connection itself.
      ...(protocol !== 'https:' && { onread: slabReads() }),
    })
    plain({ ...options, port, protocol: 'http:' }, (error, socket) => {
      if (error !== null) return callback(error, null)
      const refused = refusal(check, socket.remoteAddress ?? '')
      if (refused !== undefined) {
        socket.destroy()
        return callback(refused, null)
      }
      if (protocol !== 'https:') return callback(null, tellingResets(socket))
      secure({ ...options, port, httpSocket: socket }, (error, secured) => {
        if (error !== null) callback(error, null)
        else callback(null, tellingResets(secured))
      })
    })
  }
}

/**
 * undici treats ECONNRESET as the end of a body that the connection delimits; by RFC 9112 §8 only an orderly close is the
 * end. Under another code a reset is the error that it is.
 */
function tellingResets<S extends Socket>(socket: S): S {
  return socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = 'ERR_CONNECTION_RESET'
  })
}

/** A lookup that leaves out the addresses that `check` refuses, and fails with its reason when none is left. */
function filtered(lookup: LookupFunction, check: (address: string) => void): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return callback(error.code === 'ENOTFOUND' ? notFound(hostname, error) : error, [])
      const all: LookupAddress[] = typeof found === 'string' ? [{ address: found, family: family ?? 4 }] : found
      const refusals = all.map(({ address }) => refusal(check, address))
      const kept = all.filter((_, index) => refusals[index] === undefined)
      const [first] = kept
      if (first === undefined) return callback(refusals[0] ?? notFound(hostname), [])
      if (options.all === true) callback(null, kept)
      else callback(null, first.address, first.family)
    })
  }
}

function refusal(check: (address: string) => void, address: string): Error | undefined {
  try {
    check(address)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A displayable message. After redirects the host differs from that of the requested URL. */
function notFound(hostname: string, cause?: Error): Error {
  return Object.assign(new Error(`there is no such host: ${hostname}`, { cause }), { code: 'ENOTFOUND' })
}

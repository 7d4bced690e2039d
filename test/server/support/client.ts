/** Clients of real sockets: one of node:http, and one that says exactly what a test tells it to. */

import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { connect, type Socket } from 'node:net'

export interface ClientOptions {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** Where to connect, when the URL's host is not it. */
  readonly connectTo?: { readonly host: string; readonly port: number }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  /** False when the connection ended before the body did. */
  readonly complete: boolean
}

/** Resolves at the head of the answer. */
export function open(url: string, { method = 'GET', headers = {} }: ClientOptions = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { method, headers, agent: false }, resolve).on('error', reject).end()
  })
}

/** Reads to the end, or to where the connection broke. */
export async function readAll(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer)
  } catch {
    // Cut short: `complete` says so.
  }
  const body = Buffer.concat(chunks)
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body,
    // Most tests look at the bytes of a large body.
    get text() {
      return body.toString()
    },
    complete: message.complete,
  }
}

export async function get(url: string, options?: ClientOptions): Promise<Answer> {
  return readAll(await open(url, options))
}

/** Sends a form, or a body as it is. */
export function post(
  url: string,
  form: Record<string, string> | string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const sent = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }
    httpRequest(
      url,
      { method: 'POST', headers: sent, agent: false },
      (message) => void readAll(message).then(resolve, reject),
    )
      .on('error', reject)
      .end(body)
  })
}

/** Sends text as it is and resolves with everything that came back when the other side closes. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A server that hangs up on the rest of a request has answered before.
    socket.on('error', (error) => chunks.length === 0 && reject(error))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

/** A connection that has sent text and reads nothing. */
export function deaf(port: number, text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text, 'latin1', () => resolve(socket))
    })
    socket.pause()
    socket.on('error', reject)
  })
}

/** Reads exactly so many bytes of a body and leaves the rest. */
export async function take(message: IncomingMessage, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let missing = bytes
  while (missing > 0) {
    const chunk = message.read(Math.min(missing, message.readableLength)) as Buffer | null
    if (chunk === null) {
      await new Promise<void>((resolve) => message.once('readable', resolve))
      continue
    }
    chunks.push(chunk)
    missing -= chunk.length
  }
  return Buffer.concat(chunks)
}

/**
 * Did the other side reset the connection instead of closing it? Older libuv reports a reset behind data as an end; but on
 * a connection that was reset the next write fails at once, and on one that was closed it does not.
 */
export function endsByReset(port: number, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(text, 'latin1'))
    socket.resume()
    socket.on('error', () => resolve(true))
    socket.on('end', () => {
      socket.write('x', (error) => {
        resolve(error instanceof Error)
        socket.destroy()
      })
    })
  })
}

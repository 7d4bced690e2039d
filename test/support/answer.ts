/** One answer of a scripted origin: conditions, ranges and framing as a good server has them, then the step's fault. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Body } from './bytes.js'
import type { Step } from './steps.js'

/** Bytes handed to the socket at once. */
const SLICE = 64 * 1024
/** Milliseconds between the slices of a throttled body. */
const TICK = 25
/** Milliseconds before a RST, since a client that finds bytes and RST together may take the RST for a FIN. */
const RST_DELAY = 20

/** Answers `request` by `step`; calls `sent` with the bytes of the body as they go out. */
export async function answer(
  step: Step,
  request: IncomingMessage,
  response: ServerResponse,
  sent: (bytes: number) => void,
): Promise<void> {
  if (step.delay !== undefined) await sleep(step.delay)
  await step.hold
  if (response.destroyed) return
  if (step.drop !== undefined) return close(response, step.drop)
  if (step.handler !== undefined) return step.handler(request, response)
  const { status, headers, body } = compose(step, request)
  if (step.framing === 'close' && status < 300) {
    response.removeHeader('transfer-encoding')
    response.shouldKeepAlive = false
  }
  response.writeHead(status, { ...step.extra, ...headers })
  if (body === undefined || request.method === 'HEAD') {
    response.end()
    return
  }
  response.flushHeaders()
  await send(step, body, response, sent)
}

interface Composed {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body?: Body
}

function compose(step: Step, request: IncomingMessage): Composed {
  for (const [name, value] of Object.entries(step.requires ?? {})) {
    if (request.headers[name] !== value)
      return said(401, { 'www-authenticate': 'Basic realm="origin"' }, 'who are you?\n')
  }
  if (step.redirect !== undefined) {
    return said(step.status ?? 302, { location: step.redirect, ...step.headers }, step.text ?? 'elsewhere\n')
  }
  if (step.status !== undefined) return said(step.status, step.headers ?? {}, step.text ?? `status ${step.status}\n`)
  if (step.body === undefined) return said(404, {}, 'no such path\n')
  if (request.method === 'HEAD' && step.refusesHead === true) return said(405, { allow: 'GET' }, '')
  return represent(step, step.body, request)
}

function said(status: number, headers: Record<string, string>, text: string): Composed {
  if (status === 204 || status === 304) return { status, headers }
  const body = Buffer.from(text)
  return { status, headers: { 'content-type': 'text/plain', 'content-length': String(body.length), ...headers }, body }
}

function represent(step: Step, whole: Body, request: IncomingMessage): Composed {
  const body = step.gzip === true ? gzipSync(whole.subarray(0, whole.length)) : whole
  const ranges = step.ranges !== false && step.gzip !== true
  const headers: Record<string, string> = { 'content-type': step.type ?? 'application/octet-stream' }
  if (step.etag !== undefined) headers['etag'] = step.etag
  if (step.lastModified !== undefined) headers['last-modified'] = step.lastModified
  if (step.gzip === true) headers['content-encoding'] = 'gzip'
  if (ranges) headers['accept-ranges'] = 'bytes'
  Object.assign(headers, step.headers)
  if (unchanged(step, request)) return { status: 304, headers }

  const asked = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '')
  if (!ranges || step.whole === true || asked === null || !applies(step, request)) {
    return { status: 200, headers: framed(step, headers, body.length), body }
  }
  const total = body.length
  const [, first = '', last = ''] = asked
  const askedStart = first === '' ? Math.max(0, total - Number(last)) : Number(first)
  const end = first === '' || last === '' ? total : Math.min(total, Number(last) + 1)
  if (askedStart >= end) return said(416, { ...headers, 'content-range': `bytes */${total}` }, '')
  const start = step.partial?.start ?? askedStart
  headers['content-range'] = `bytes ${start}-${end - 1}/${step.partial?.total ?? total}`
  if (step.partial?.etag !== undefined) headers['etag'] = step.partial.etag
  const part: Body = { length: end - start, subarray: (from, to) => body.subarray(start + from, start + to) }
  return { status: 206, headers: framed(step, headers, part.length), body: part }
}

/** RFC 9110 §13.1.2 and §13.1.3: If-Modified-Since counts only where there is no If-None-Match. */
function unchanged(step: Step, request: IncomingMessage): boolean {
  const tags = request.headers['if-none-match']
  if (tags === undefined) {
    return step.lastModified !== undefined && request.headers['if-modified-since'] === step.lastModified
  }
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return step.etag !== undefined && tags.split(',').map(opaque).includes(opaque(step.etag))
}

/** RFC 9110 §13.1.5: strong comparison; a date has to be equal. */
function applies(step: Step, request: IncomingMessage): boolean {
  const validator = request.headers['if-range']?.toString()
  if (validator === undefined || step.ignoresIfRange === true) return true
  if (validator.startsWith('W/')) return false
  return validator === step.etag || validator === step.lastModified
}

function framed(step: Step, headers: Record<string, string>, length: number): Record<string, string> {
  return (step.framing ?? 'length') === 'length' ? { ...headers, 'content-length': String(length) } : headers
}

async function send(step: Step, body: Body, response: ServerResponse, sent: (bytes: number) => void): Promise<void> {
  const started = performance.now()
  const stop = Math.min(step.cut?.after ?? Infinity, step.stall?.after ?? Infinity)
  let { throttle } = step
  // The client has to see that they come slowly: after a pause of the machine, the bytes that are due do not come at once.
  const isPaced = step.throttleUntil !== undefined
  void step.throttleUntil?.then(() => (throttle = undefined))
  for (let position = 0; position < body.length;) {
    if (position === stop && step.cut?.after === stop) break
    if (position === stop) await step.stall?.until
    if (position === stop && step.stall !== undefined && step.stall.until === undefined) return
    const allowed = throttle === undefined ? SLICE : isPaced ? share(throttle) : allowance(throttle, started, position)
    const end = Math.min(body.length, position + allowed, position < stop ? stop : Infinity)
    if (end > position) {
      sent(end - position)
      const flowing = response.write(body.subarray(position, end))
      if (!flowing && !response.destroyed) await drained(response)
      position = end
      if (isPaced && throttle !== undefined) await sleep(TICK)
    }
    // Without this pause a fast body goes out in pieces of a few bytes: what the time since the last piece allows.
    if (throttle !== undefined && position < body.length && !response.destroyed) await sleep(TICK)
    if (response.destroyed) return
  }
  if (step.cut !== undefined && step.cut.after <= body.length) return close(response, step.cut.by ?? 'fin')
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function share(rate: number): number {
  return Math.ceil((rate * TICK) / 1000)
}

function allowance(rate: number, started: number, position: number): number {
  const due = Math.floor(((performance.now() - started) / 1000) * rate) - position
  return Math.max(0, due)
}

/** What was written before is flushed first; RST throws away what the network has not taken yet. */
function close(response: ServerResponse, by: 'fin' | 'rst'): void {
  const socket = response.socket
  if (socket === null) return
  if (by === 'fin') socket.destroySoon()
  else socket.write('', () => setTimeout(() => socket.resetAndDestroy(), RST_DELAY))
}

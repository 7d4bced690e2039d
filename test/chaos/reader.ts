/** One request of the chaos run, and the judgement of what came back. */
import { createHash } from 'node:crypto'
import { request, type IncomingMessage } from 'node:http'
import type { Random } from '../server/support/random.js'
import type { ChaosArtifact } from './artifacts.js'

/**
 * Milliseconds without progress that count as a hang: the server promises an answer, and a byte, within 55 s, in which the
 * longest time that a process stands still does not count.
 */
const HANG = 100_000

export type Verdict =
  /** Every byte right: the whole, a range, or a HEAD. */
  | { readonly kind: 'right'; readonly bytes: number; readonly age: number }
  /** Whole as far as the client can tell, and wrong. */
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'hang'; readonly why: string }
  /** Closed before the end: the client knows. */
  | { readonly kind: 'cut' }
  /** The server was just killed. */
  | { readonly kind: 'refused' }
  /** The reader left on purpose. */
  | { readonly kind: 'left' }
  | { readonly kind: 'status'; readonly status: number; readonly detail: string }

interface Wish {
  readonly method: 'GET' | 'HEAD'
  readonly range: { readonly first: number; readonly last: number } | undefined
  readonly sha256: string | undefined
  /** Bytes after which the reader leaves. */
  readonly leaveAfter: number
}

function wishOf(artifact: ChaosArtifact, random: Pick<Random, 'below'>): Wish {
  const plain: Wish = { method: 'GET', range: undefined, sha256: undefined, leaveAfter: Infinity }
  const size = artifact.current.body.length
  switch (random.below(20)) {
    case 0:
      return { ...plain, method: 'HEAD' }
    case 1:
    case 2: {
      const first = random.below(Math.max(1, size))
      return { ...plain, range: { first, last: first + random.below(size) } }
    }
    case 3:
      return { ...plain, sha256: artifact.current.sha256 }
    case 4:
      return { ...plain, leaveAfter: random.below(Math.max(1, size)) }
    default:
      return plain
  }
}

/** In place of randomness: a GET of the whole, read to its end. */
export const plainly: Pick<Random, 'below'> = { below: (n) => n - 1 }

export function read(
  server: string,
  url: string,
  artifact: ChaosArtifact,
  random: Pick<Random, 'below'>,
): Promise<Verdict> {
  const wish = wishOf(artifact, random)
  const query = wish.sha256 === undefined ? '' : `&sha256=${wish.sha256}`
  const headers = wish.range === undefined ? {} : { range: `bytes=${wish.range.first}-${wish.range.last}` }
  const startedAt = Date.now()
  const clues = { server, wish, startedAt }
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let answer: IncomingMessage | undefined
    const sent = request(`${server}api/v1/fetch?url=${encodeURIComponent(url)}${query}`, {
      method: wish.method,
      headers,
      agent: false,
    })
    const settle = (verdict: Verdict): void => {
      clearTimeout(timer)
      resolve(verdict)
      sent.destroy()
    }
    const hangs = (): void =>
      settle({
        kind: 'hang',
        why: `${artifact.path}: ${answer?.statusCode ?? 'no status'}, ${bytes} bytes, then nothing`,
      })
    const timer = setTimeout(hangs, HANG)
    sent.on('error', () => settle(answer === undefined ? { kind: 'refused' } : { kind: 'cut' }))
    sent.on('response', (response) => {
      answer = response
      timer.refresh()
      response.on('data', (chunk: Buffer) => {
        timer.refresh()
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > wish.leaveAfter) settle({ kind: 'left' })
      })
      response.on('error', () => settle({ kind: 'cut' }))
      response.on('close', () => {
        settle(response.complete ? judge(response, Buffer.concat(chunks), clues, artifact) : { kind: 'cut' })
      })
    })
    sent.end()
  })
}

/** What was asked of whom, and when. */
interface Clues {
  readonly server: string
  readonly wish: Wish
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

function judge(answer: IncomingMessage, body: Buffer, clues: Clues, artifact: ChaosArtifact): Verdict {
  const { wish, startedAt } = clues
  const status = answer.statusCode ?? 0
  const wrong = (why: string): Verdict => ({
    kind: 'wrong',
    why: `${artifact.path} (${artifact.manner}): ${why}; ${JSON.stringify([clues, answer.headers])}`,
  })
  if (status === 206 && wish.range !== undefined) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '')
    const [first, last, total] = range?.slice(1).map(Number) ?? []
    // While nobody knows the length it is *, and the last byte is what was asked for.
    const same = artifact.versions.some(
      (version) =>
        (range?.[3] === '*' || version.body.length === total || artifact.lies.has(total!)) &&
        version.body.subarray(first, last! + 1).equals(body),
    )
    return same && first === wish.range.first
      ? { kind: 'right', bytes: body.length, age: 0 }
      : wrong(`a range ${range?.[0] ?? 'without Content-Range'} of no version`)
  }
  if (status !== 200) return { kind: 'status', status, detail: body.toString('utf8', 0, 500) }
  if (wish.method === 'HEAD') {
    const length = answer.headers['content-length']
    const known =
      length === undefined ||
      artifact.lies.has(Number(length)) ||
      artifact.versions.some((version) => version.body.length === Number(length))
    return known ? { kind: 'right', bytes: 0, age: 0 } : wrong(`a length of ${length}, which no version has`)
  }
  const sum = createHash('sha256').update(body).digest('hex')
  const same = artifact.versions.filter((version) => version.sha256 === sum)
  const version = same.at(-1)
  if (version === undefined) {
    return wrong(`${body.length} bytes that are no version's`)
  }
  if (wish.sha256 !== undefined && sum !== wish.sha256) return wrong('another sum than the promised one')
  const { etag } = answer.headers
  if (artifact.purged && startedAt > artifact.purged.until && version.until < artifact.purged.from) {
    return wrong(
      `the bytes of ${version.etag ?? 'a version'} that was purged ${startedAt - artifact.purged.until} ms before`,
    )
  }
  if (etag !== undefined && version.etag !== undefined && !same.some((other) => other.etag === etag)) {
    return wrong(`the bytes of ${version.etag} under the ETag ${etag}`)
  }
  return { kind: 'right', bytes: body.length, age: Math.max(0, startedAt - version.until) }
}

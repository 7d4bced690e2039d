/** An artifact that an origin gives to some credentials alone, and not always the same to each. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer } from './answer.js'
import type { Origin } from './origin.js'
import type { Served, Step } from './steps.js'

/** One request for it: who asked, and what became of it. */
export interface Asked {
  readonly method: string
  /** What was shown, however it was: a header's value, a token of the query, the password of a Basic credential. */
  readonly shown: string | undefined
  readonly headers: IncomingMessage['headers']
  status: number
  /** Bytes of the body given to the socket. */
  sent: number
}

export class Rights {
  readonly asked: Asked[] = []
  /** What each credential gets; '' is nobody's. */
  readonly #given = new Map<string, Served>()
  /** The status for everybody else. */
  refusal = 401
  /** The fault of the next answers with a body. */
  fault: Step = {}
  /** Awaited before anything is answered to this credential's GET. */
  readonly holds = new Map<string, Promise<unknown>>()
  /** Answers If-None-Match as if it were not there. */
  ignoresConditions = false
  /** Hangs up on HEAD. */
  dropsHead = false

  constructor(
    readonly origin: Origin,
    readonly path: string,
  ) {
    const handler = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response)
    origin.script(path, [
      { method: 'GET', handler },
      { method: 'HEAD', handler },
    ])
  }

  get url(): string {
    return this.origin.url(this.path)
  }

  give(served: Served, ...tokens: string[]): this {
    for (const token of tokens) this.#given.set(token, served)
    return this
  }

  revoke(token: string): void {
    this.#given.delete(token)
  }

  /** Answers that held bytes of a body. */
  get bodies(): Asked[] {
    return this.asked.filter(({ sent }) => sent > 0)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const shown = shownIn(request)
    const asked: Asked = { method: request.method ?? '', shown, headers: { ...request.headers }, status: 0, sent: 0 }
    this.asked.push(asked)
    if (asked.method === 'HEAD' && this.dropsHead) return void response.destroy()
    if (asked.method === 'GET') await this.holds.get(shown ?? '')
    if (this.ignoresConditions) delete request.headers['if-none-match']
    const served = this.#given.get(shown ?? '')
    const step = served === undefined ? { status: this.refusal } : { ...served, ...this.fault }
    response.on('close', () => (asked.status = response.statusCode))
    await answer(step, request, response, (bytes) => (asked.sent += served === undefined ? 0 : bytes))
  }
}

function shownIn({ headers, url = '' }: IncomingMessage): string | undefined {
  const [, scheme, value = ''] = /^(\w+) (.*)$/.exec(headers.authorization ?? '') ?? []
  if (scheme === 'Basic') return Buffer.from(value, 'base64').toString().replace(/^.*:/, '')
  const query = new URL(url, 'http://origin').searchParams
  const field = headers['private-token']?.toString() ?? headers['x-lent']?.toString()
  return scheme === 'Bearer' ? value : (field ?? query.get('token') ?? query.get('X-Amz-Signature') ?? undefined)
}

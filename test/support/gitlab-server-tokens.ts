/** The tokens of the GitLab test instance: where each kind may stand, what it may read, and what GitLab says of a bad one. */
import type { IncomingHttpHeaders } from 'node:http'

export type Kind = 'private' | 'job' | 'oauth' | 'deploy'

export interface Token {
  readonly kind: Kind
  /** Paths of the private projects that it may read. */
  readonly projects: readonly string[]
  state: 'valid' | 'expired' | 'revoked'
  /** False: its scope opens the API alone (read_repository), not the web URLs of archives. */
  readonly wide: boolean
}

export type Reader =
  | { readonly as: 'nobody' }
  | { readonly as: 'reader'; readonly token: Token }
  | { readonly as: 'refused'; readonly body: object }

export class Tokens {
  readonly #tokens = new Map<string, Token>()

  add(text: string, kind: Kind, projects: readonly string[], { wide = true } = {}): string {
    this.#tokens.set(text, { kind, projects, state: 'valid', wide })
    return text
  }

  end(text: string, state: 'expired' | 'revoked'): void {
    const token = this.#tokens.get(text)
    if (token !== undefined) token.state = state
  }

  /** Who asks the API. A header or parameter of one kind does not take a token of another. */
  reader(headers: IncomingHttpHeaders, query: URLSearchParams): Reader {
    const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
    const shown: [text: string | undefined | null, kinds: readonly Kind[]][] = [
      [headers['private-token'] as string | undefined, ['private', 'oauth']],
      [query.get('private_token'), ['private', 'oauth']],
      [headers['job-token'] as string | undefined, ['job']],
      [query.get('job_token'), ['job']],
      [query.get('access_token'), ['oauth', 'private']],
      [/^bearer$/i.test(scheme) ? value : undefined, ['oauth', 'private']],
      [/^basic$/i.test(scheme) ? passwordOf(value) : undefined, ['deploy', 'private']],
    ]
    const [text, kinds] = shown.find(([text]) => typeof text === 'string' && text !== '') ?? []
    if (text === undefined || text === null) return { as: 'nobody' }
    const token = this.#tokens.get(text)
    if (token === undefined || kinds?.includes(token.kind) !== true) return refused({ message: '401 Unauthorized' })
    if (token.state === 'valid') return { as: 'reader', token }
    return refused({
      error: 'invalid_token',
      error_description:
        token.state === 'expired'
          ? 'Token is expired. You can either do re-authorization or token refresh.'
          : 'Token was revoked. You have to re-authorize from the user.',
    })
  }
}

function refused(body: object): Reader {
  return { as: 'refused', body }
}

function passwordOf(value: string): string {
  const text = Buffer.from(value, 'base64').toString()
  return text.slice(text.indexOf(':') + 1)
}

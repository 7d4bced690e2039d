/** Lets the SDK ask STS and SSO by kiss's own client, which knows the proxies and certificates that the SDK does not. */

import type { HttpClient } from 'kiss-cache/plugin'

/** A request as the SDK hands it to its handler. */
interface SdkRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface SdkResponse {
  readonly response: {
    readonly statusCode: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: Uint8Array
  }
}

/** Of the SDK's interface HttpHandler, what its small clients use. */
export interface SdkHttpHandler {
  handle(request: SdkRequest): Promise<SdkResponse>
}

export function sdkHttpHandler(http: HttpClient): SdkHttpHandler {
  return {
    async handle({ method, headers, body, ...target }) {
      if (method !== 'GET' && method !== 'POST') throw new Error(`no credentials are asked for by ${method}`)
      const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
      const lower = Object.fromEntries(named)
      const content = isContent(body) ? { type: lower['content-type'] ?? '', body } : undefined
      const answer = await http({ method, url: urlOf(target), headers: lower, content })
      return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } }
    },
  }
}

function urlOf({ protocol, hostname, port, path, query = {} }: Omit<SdkRequest, 'method' | 'headers' | 'body'>): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values ?? ''].flat()) url.searchParams.append(name, value)
  }
  return url
}

function isContent(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array
}

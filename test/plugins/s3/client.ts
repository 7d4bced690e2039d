/** Asks as kiss's upstream client does, as far as a provider can tell: for tests of the provider alone. */

import { get, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Classification, HttpMethod, UpstreamProvider, UpstreamRequest } from '#kiss/provider/types.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** How often it was asked until this came. */
  readonly attempts: number
  readonly said: string | undefined
  readonly meaning: Classification | undefined
}

export interface Asking {
  readonly method?: HttpMethod
  readonly headers?: Readonly<Record<string, string>>
  readonly clientCredential?: boolean
  /** Everything goes to this port, as through a proxy. */
  readonly proxyPort?: number
}

/** Asks again while the provider says `reauthorise`, at most twice, as the engine does. */
export async function ask(provider: UpstreamProvider, url: string, asking: Asking = {}): Promise<Answer> {
  const asked = new URL(url)
  const { method = 'GET', headers = {}, clientCredential = provider.carriesCredential?.(asked) ?? false } = asking
  for (let attempts = 1; ; attempts++) {
    const request: UpstreamRequest = { method, url: asked, headers }
    const context = { signal: new AbortController().signal, asked, hop: 0, clientCredential }
    const sent = (await provider.authorise?.(request, context)) ?? request
    const answer = await send(sent, asking.proxyPort)
    const ok = answer.status < 300 || answer.status === 304
    const failure = { url: sent.url, hop: 0, ...answer, headers: plain(answer.headers), excerpt: answer.body }
    const meaning = ok ? undefined : provider.classify?.(failure)
    const said = ok ? undefined : provider.describe?.(failure)
    if (meaning !== 'reauthorise' || attempts === 3) return { ...answer, attempts, meaning, said }
  }
}

function send(request: UpstreamRequest, proxyPort?: number): Promise<Pick<Answer, 'status' | 'headers' | 'body'>> {
  const { method, headers, url } = request
  const through = proxyPort === undefined ? {} : { host: '127.0.0.1', port: proxyPort, path: url.href }
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, host: url.host }, ...through }
    const sent = get(proxyPort === undefined ? url : new URL('http://127.0.0.1'), options, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      )
    })
    sent.on('error', reject)
  })
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

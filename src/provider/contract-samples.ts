/** The samples of a provider for its contract suite, and the helpers of the checks. */

import assert from 'node:assert/strict'
import type { Classification, UpstreamProvider } from './types.js'

export type MakeProvider = () => UpstreamProvider | Promise<UpstreamProvider>

/** A failure that the provider knows, with the expected results. */
export interface SampleFailure {
  /** As requested on this hop. */
  readonly url: string
  readonly hop?: number
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly excerpt?: string
  /** The expected result of `classify`; absent: not checked. */
  readonly classified?: Classification | undefined
  /** The expected result of `describe`; absent: not checked. */
  readonly described?: string
}

export interface ProviderSamples {
  /**
   * Groups of URLs that the provider owns. The URLs of one group name one content, however they are written, signed or
   * tokened, and share a key; those of two groups do not.
   */
  readonly same: readonly (readonly string[])[]
  /** URLs that the provider leaves to others. */
  readonly foreign: readonly string[]
  /** Owned URLs that themselves carry a credential. */
  readonly credentials: readonly string[]
  /** Owned URLs that carry none. */
  readonly plain: readonly string[]
  /** Owned URLs to which `authorise` adds a credential of the provider's own. */
  readonly authorised: readonly string[]
  /** Every secret in the provider's settings and in the URLs above: none may be seen in a key, a description or a refusal. */
  readonly secrets: readonly string[]
  readonly failures?: readonly SampleFailure[]
}

export interface ContractCheck {
  /** A sentence. */
  readonly name: string
  /** Rejects with an assertion error that names the sample and the rule. */
  run(): Promise<void>
}

/** Unusual URLs, for which no method may throw. */
export const oddUrls: readonly string[] = [
  'http://[::1]/',
  'https://example.com',
  'https://example.com:8443/a//b/../c/%2e%2e/d?',
  'https://example.com/%E0%A4%A?%&=&a&a=1&a=2#%',
  'https://user:pa%40ss@example.com/%2F?url=https://example.com/',
  `https://example.com/${'a/'.repeat(3000)}?${'x=1&'.repeat(3000)}`,
  'file:///etc/hosts',
  'data:text/plain,x',
  'mailto:someone@example.com',
  'blob:https://example.com/1',
  'x-unknown://host/path',
  'x-unknown:opaque',
]

export function allOwned(samples: ProviderSamples): string[] {
  return [...new Set([...samples.same.flat(), ...samples.credentials, ...samples.plain, ...samples.authorised])]
}

/** Fails when `text` holds one of the secrets as it is, percent-encoded or in base64. */
export function assertNoSecret(text: string, secrets: readonly string[], what: string): void {
  for (const secret of secrets) {
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]
    assert.ok(!forms.some((form) => text.includes(form)), `${what} shows a secret of the samples`)
  }
}

/** Asks `question` about `url`, and fails when the URL object was changed by it. */
export function untouched<T>(url: URL, question: (url: URL) => T): T {
  const before = url.href
  const answer = question(url)
  assert.equal(url.href, before, 'the URL that was handed in was changed')
  return answer
}

export function assertLine(text: string | undefined, what: string): void {
  if (text === undefined) return
  assert.ok(text.length > 0 && text.length <= 2000, `${what} is neither empty nor endless`)
  assert.doesNotMatch(text, /\p{Cc}/u, `${what} is one line`)
}

/** The part of the provider contract about answers: `classify`, `describe` and `refuse` take anything, and show no secret. */

import assert from 'node:assert/strict'
import {
  allOwned,
  assertLine,
  assertNoSecret,
  type ContractCheck,
  type MakeProvider,
  type ProviderSamples,
} from './contract-samples.js'
import type { Classification, UpstreamFailure, UpstreamProvider } from './types.js'

const words: readonly (Classification | undefined)[] = ['retry', 'reauthorise', 'gone', 'denied', 'fatal', undefined]

const statuses = [300, 301, 304, 307, 400, 401, 403, 404, 405, 409, 410, 412, 416, 418, 429, 500, 501, 503, 504, 599]

const excerpts = [
  '',
  'no',
  '<html><head><title>Sign in</title>',
  '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Acc',
  '<Error><Code></Code></Error>',
  '<<<>>>&&&;',
  '{"message":"401 Unauthorized","error":null}',
  '{"message":{"base":[1,{}]}}',
  '[',
  '\u0000\uffff\ud800 \r\n',
  'x'.repeat(4096),
]

export function failureChecks(make: MakeProvider, samples: ProviderSamples): ContractCheck[] {
  const owned = allOwned(samples)
  const check = (name: string, body: (provider: UpstreamProvider) => void): ContractCheck => ({
    name,
    run: async () => body(await make()),
  })

  return [
    check('classifies every failure with a word of the contract, or leaves it', (provider) => {
      for (const failure of failures(owned, excerpts)) {
        const word = provider.classify?.(failure)
        assert.ok(words.includes(word), `${failure.status} of ${failure.url.href} became ${String(word)}`)
      }
    }),

    check('describes a failure in one line, or not at all', (provider) => {
      for (const failure of failures(owned, excerpts)) assertLine(provider.describe?.(failure), 'a description')
    }),

    check('shows no secret in a description, though the answer or the URL has one', (provider) => {
      const echoes = samples.secrets.flatMap((secret) => [
        secret,
        `<Error><Code>${secret}</Code><Message>${secret}</Message><Token-0>${secret}</Token-0></Error>`,
        JSON.stringify({ message: secret, error: secret, error_description: secret }),
        `<title>${secret}</title>`,
      ])
      for (const failure of failures(owned, echoes)) {
        assertNoSecret(provider.describe?.(failure) ?? '', samples.secrets, 'a description')
      }
    }),

    check('refuses an answer in one line without secrets, or takes it', (provider) => {
      for (const failure of failures(owned, [''], [200, 301, 302, 303, 307, 308])) {
        const reason = provider.refuse?.(failure)
        assertLine(reason, 'a refusal')
        assertNoSecret(reason ?? '', samples.secrets, 'a refusal')
      }
    }),

    check('makes of the failures that it knows what it promises', (provider) => {
      for (const sample of samples.failures ?? []) {
        const failure: UpstreamFailure = {
          url: new URL(sample.url),
          hop: sample.hop ?? 0,
          status: sample.status,
          headers: sample.headers ?? {},
          excerpt: sample.excerpt ?? '',
        }
        const what = `${sample.status} of ${sample.url}`
        if ('classified' in sample) assert.equal(provider.classify?.(failure), sample.classified, what)
        if (sample.described !== undefined) assert.equal(provider.describe?.(failure), sample.described, what)
      }
    }),
  ]
}

function* failures(urls: readonly string[], bodies: readonly string[], of = statuses): Generator<UpstreamFailure> {
  for (const url of urls) {
    for (const status of of) {
      for (const excerpt of bodies) {
        yield { url: new URL(url), hop: 0, status, headers: {}, excerpt }
        yield { url: new URL(url), hop: 1, status, headers: { location: url, 'content-type': 'text/html' }, excerpt }
      }
    }
  }
}

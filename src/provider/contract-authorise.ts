/** The part of the provider contract about credentials: allowed and forbidden effects of `authorise`. */

import assert from 'node:assert/strict'
import {
  allOwned,
  assertNoSecret,
  type ContractCheck,
  type MakeProvider,
  type ProviderSamples,
  untouched,
} from './contract-samples.js'
import type { ProviderContext, UpstreamProvider, UpstreamRequest } from './types.js'

const asking = {
  range: 'bytes=10-',
  'if-range': '"strong"',
  'if-none-match': '"strong"',
  'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT',
}

export function authoriseChecks(make: MakeProvider, samples: ProviderSamples): ContractCheck[] {
  const check = (name: string, body: (provider: UpstreamProvider) => Promise<void>): ContractCheck => ({
    name,
    run: async () => body(await make()),
  })
  const owned = allOwned(samples)

  return [
    check('turns every URL of its own into an http or https one, method and conditions unchanged', async (provider) => {
      for (const named of owned) {
        const url = await lastSource(provider, named)
        for (const method of ['GET', 'HEAD'] as const) {
          const request = { method, url: new URL(url), headers: { ...asking, 'x-passed': 'on' } }
          const authorised = await authorise(provider, request, { asked: url })
          assert.match(authorised.url.protocol, /^https?:$/, url)
          assert.equal(authorised.method, method, url)
          const { range, 'if-range': ifRange, 'x-passed': passed } = authorised.headers
          assert.deepEqual([range, ifRange, passed], [asking.range, asking['if-range'], 'on'], url)
          for (const name of Object.keys(authorised.headers)) assert.equal(name, name.toLowerCase(), 'header names')
        }
      }
    }),

    check('names sources that a provider serves, each under another key, and none in a circle', async (provider) => {
      for (const url of owned) await lastSource(provider, url)
    }),

    check('adds its own credential where it should', async (provider) => {
      for (const url of samples.authorised) {
        const own = await authorise(provider, get(url), { asked: url })
        const without = await authorise(provider, get(url), { asked: url, clientCredential: true })
        assert.notDeepEqual(plain(own), plain(without), `${url} was not given a credential`)
      }
    }),

    check('says of every URL whether it lends a credential, and adds none where it does not', async (provider) => {
      for (const url of owned) {
        const lent = untouched(new URL(url), (asked) => provider.lends?.(asked))
        assert.ok(lent === undefined || typeof lent === 'boolean', `lends() of ${url} is neither true nor false`)
        if (lent === undefined) continue
        assert.equal(provider.lends?.(new URL(url)), lent, `lends() of ${url} gives another answer when asked again`)
        if (lent || samples.credentials.includes(url)) continue
        const own = await authorise(provider, get(url), { asked: url })
        const without = await authorise(provider, get(url), { asked: url, clientCredential: true })
        assert.deepEqual(plain(own), plain(without), `authorise() added a credential to ${url}, and lends() is false`)
      }
      for (const url of samples.authorised)
        assert.notEqual(provider.lends?.(new URL(url)), false, `lends() of ${url} is false`)
    }),

    check("adds none of its own to a client's credential", async (provider) => {
      const headers = { ...asking, authorization: 'Bearer of-the-client' }
      for (const url of owned) {
        const request = { method: 'GET' as const, url: new URL(url), headers }
        const authorised = await authorise(provider, request, { asked: url, clientCredential: true })
        // A header that selects a representation is no credential.
        const added = { ...authorised.headers }
        delete added['accept']
        assert.deepEqual(added, headers, url)
        const brought = samples.secrets.filter((secret) => url.includes(secret))
        const own = samples.secrets.filter((secret) => !brought.includes(secret))
        assertNoSecret(authorised.url.href, own, `the URL made of ${url}`)
      }
    }),

    check('touches nothing after a redirect to another origin', async (provider) => {
      for (const url of owned) {
        const first = await authorise(provider, get(url), { asked: url })
        for (const target of [...otherOrigins(first.url), ...ownedElsewhere(owned, first.url)]) {
          const request = { method: 'GET' as const, url: target, headers: asking }
          for (const hop of [1, 2]) {
            const authorised = await authorise(provider, request, { asked: url, hop })
            assert.deepEqual(plain(authorised), plain(request), `hop ${hop} from ${url} to ${target.href}`)
          }
        }
      }
    }),

    check('leaves the request object that it was handed as it is', async (provider) => {
      for (const url of owned) {
        const request = { method: 'GET' as const, url: new URL(url), headers: { ...asking } }
        const before = plain(request)
        await authorise(provider, request, { asked: url })
        assert.deepEqual(plain(request), before, url)
      }
    }),
  ]
}

/** The URL that is downloaded for `url`: the source of its source, and so on. */
async function lastSource(provider: UpstreamProvider, url: string): Promise<string> {
  const keys = new Set<string>()
  for (let at = url; ;) {
    const key = provider.cacheKey(new URL(at)).href
    assert.ok(!keys.has(key), `${at} is its own source`)
    keys.add(key)
    const context = { signal: new AbortController().signal, asked: new URL(at), hop: 0, clientCredential: false }
    const source = await provider.source?.({ method: 'GET', url: new URL(at), headers: {} }, context)
    if (source === undefined) return at
    at = source.url.href
    assert.ok(
      provider.matches(source.url) || /^https?:$/.test(source.url.protocol),
      `no provider serves the source ${at}`,
    )
    assert.ok(source.member === undefined || source.member !== '', `${url} is a file without a path`)
    // kiss keeps where a name leads: what is no part of the key would be lost.
    const kept = source.member === undefined ? provider.cacheKey(source.url).href : at
    assert.equal(kept, at, `${url} is a name of a URL with a credential, or of one that is no cache key`)
  }
}

function get(url: string): UpstreamRequest {
  return { method: 'GET', url: new URL(url), headers: asking }
}

async function authorise(
  provider: UpstreamProvider,
  request: UpstreamRequest,
  context: { asked: string; hop?: number; clientCredential?: boolean },
): Promise<UpstreamRequest> {
  const full: ProviderContext = {
    signal: new AbortController().signal,
    asked: new URL(context.asked),
    hop: context.hop ?? 0,
    clientCredential: context.clientCredential ?? false,
  }
  return (await provider.authorise?.(request, full)) ?? request
}

/** The same path on another host, on a name that only looks like it, on another port, and on the other scheme. */
function otherOrigins(url: URL): URL[] {
  const changed = (change: (target: URL) => void): URL => {
    const target = new URL(url)
    target.search = ''
    change(target)
    return target
  }
  return [
    changed((t) => (t.host = 'storage.invalid')),
    changed((t) => (t.hostname = `${url.hostname.replace(/[[\]:]/g, '')}.storage.invalid`)),
    changed((t) => (t.port = '4443')),
    changed((t) => (t.protocol = url.protocol === 'https:' ? 'http:' : 'https:')),
  ]
}

/** A URL to which the provider adds a credential on the first hop; it must add none after a redirect from another origin. */
function ownedElsewhere(owned: readonly string[], from: URL): URL[] {
  return owned
    .map((url) => new URL(url))
    .filter((url) => /^https?:$/.test(url.protocol) && url.origin !== from.origin && url.username === '')
}

function plain(request: UpstreamRequest): object {
  return { method: request.method, url: request.url.href, headers: { ...request.headers } }
}

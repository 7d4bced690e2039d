/** The part of the provider contract about URLs: owned URLs, their keys, and URLs with a credential. */

import assert from 'node:assert/strict'
import {
  allOwned,
  assertLine,
  assertNoSecret,
  oddUrls,
  untouched,
  type ContractCheck,
  type MakeProvider,
  type ProviderSamples,
} from './contract-samples.js'
import type { UpstreamProvider } from './types.js'

export function keyChecks(make: MakeProvider, samples: ProviderSamples): ContractCheck[] {
  const owned = allOwned(samples)
  const check = (name: string, body: (provider: UpstreamProvider) => void): ContractCheck => ({
    name,
    run: async () => body(await make()),
  })
  const key = (provider: UpstreamProvider, url: string): string =>
    untouched(new URL(url), (u) => provider.cacheKey(u)).href

  return [
    check('has a name, a whole number as priority, and a known way to share', (provider) => {
      assert.match(provider.name, /^[a-z][a-z0-9-]*$/, 'the name is lower case')
      assert.ok(Number.isInteger(provider.priority), 'the priority is a whole number')
      assert.ok(['all', 'probe', 'never', undefined].includes(provider.share), 'share is all, probe, never or absent')
    }),

    check('owns its own URLs and leaves the others', (provider) => {
      for (const url of owned) assert.equal(ask(provider, url), true, `${url} is not owned`)
      for (const url of samples.foreign) assert.equal(ask(provider, url), false, `${url} is owned`)
    }),

    check('answers for any URL, however odd', (provider) => {
      for (const odd of oddUrls) {
        assertLine(provider.objection?.(new URL(odd)), 'an objection')
        if (!ask(provider, odd)) continue
        assert.ok(provider.cacheKey(new URL(odd)) instanceof URL, odd)
        assert.equal(typeof (provider.carriesCredential?.(new URL(odd)) ?? false), 'boolean', odd)
      }
    }),

    check('owns its keys, or leaves them to plain HTTP, where they stay what they are', (provider) => {
      for (const url of owned) {
        const made = key(provider, url)
        assert.ok(ask(provider, made) || /^https?:/.test(made), `no provider owns the key of ${url}`)
      }
    }),

    check('makes the same key of a key', (provider) => {
      for (const url of owned) {
        const once = key(provider, url)
        assert.equal(key(provider, once), once, url)
      }
    }),

    {
      name: 'makes keys that depend on nothing but the URL and the settings',
      run: async () => {
        const [one, other] = [await make(), await make()]
        const expected = owned.map((url) => key(one, url))
        const again = owned.toReversed().map((url) => key(one, url))
        assert.deepEqual(again.reverse(), expected, 'asked again, in another order')
        assert.deepEqual(
          owned.map((url) => key(other, url)),
          expected,
          'asked of another instance',
        )
      },
    },

    check('gives one key to each content, and two contents two keys', (provider) => {
      const owner = new Map<string, string>()
      for (const group of samples.same) {
        const first = group[0]
        if (first === undefined) continue
        const expected = key(provider, first)
        for (const url of group) assert.equal(key(provider, url), expected, `${url} and ${first} are one content`)
        assert.equal(owner.get(expected), undefined, `${first} has the key of another group`)
        owner.set(expected, first)
      }
    }),

    check('drops userinfo and fragment from keys', (provider) => {
      for (const url of owned) {
        const dressed = withUserinfo(url)
        // A scheme of its own may take no userinfo.
        if (!/^https?:/.test(url) && !ask(provider, dressed.href)) dressed.username = dressed.password = ''
        dressed.hash = 'fragment'
        const bare = new URL(url)
        bare.username = bare.password = ''
        assert.equal(key(provider, dressed.href), key(provider, bare.href), url)
        const { username, password, hash } = new URL(key(provider, dressed.href))
        assert.deepEqual({ username, password, hash }, { username: '', password: '', hash: '' }, url)
      }
    }),

    check('keeps every secret out of keys', (provider) => {
      for (const url of owned) assertNoSecret(key(provider, url), samples.secrets, 'a key')
    }),

    check('knows which URLs carry a credential; a key never does', (provider) => {
      const carries = (url: string): boolean =>
        untouched(new URL(url), (u) => provider.carriesCredential?.(u) ?? (u.username !== '' || u.password !== ''))
      for (const url of samples.credentials) assert.equal(carries(url), true, `${url} carries a credential`)
      for (const url of samples.plain) {
        assert.equal(carries(url), false, `${url} carries no credential`)
        const dressed = withUserinfo(url)
        // A URL without a host, such as `lab:/x`, has no userinfo.
        if (dressed.username !== '')
          assert.equal(carries(dressed.href), true, `${url} with userinfo carries a credential`)
      }
      for (const url of owned) assert.equal(carries(key(provider, url)), false, `the key of ${url} carries none`)
    }),

    check('gives a lifetime in whole seconds, or none', (provider) => {
      for (const url of owned) {
        const ttl = untouched(new URL(url), (u) => provider.ttl?.(u))
        assert.ok(ttl === undefined || (Number.isSafeInteger(ttl) && ttl >= 0), url)
      }
    }),
  ]
}

function ask(provider: UpstreamProvider, url: string): boolean {
  return untouched(new URL(url), (u) => provider.matches(u))
}

function withUserinfo(url: string): URL {
  const dressed = new URL(url)
  dressed.username = 'someone'
  dressed.password = 'contract-pass'
  return dressed
}

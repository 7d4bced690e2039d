import assert from 'node:assert/strict'
import { providerChecks, type ProviderSamples } from '#kiss/provider/contract.js'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { providerContract } from './provider.js'

const secret = 'top+secret/key'

const samples: ProviderSamples = {
  same: [
    ['https://own.example/a', 'https://own.example/a?token=abcdef', 'https://own.example/a?token=0123456'],
    ['https://own.example/b'],
  ],
  foreign: ['https://other.example/a', 'https://own.example.other.example/a'],
  credentials: ['https://own.example/a?token=abcdef'],
  plain: ['https://own.example/a', 'https://own.example/b'],
  authorised: ['https://own.example/a'],
  secrets: [secret, 'abcdef', '0123456'],
  failures: [{ url: 'https://own.example/a', status: 403, classified: 'denied', described: 'no entry' }],
}

function clean(url: URL): URL {
  const key = new URL(url)
  key.username = key.password = key.hash = ''
  key.searchParams.delete('token')
  return key
}

/** Keeps the contract, in as few lines as it takes. */
const good: UpstreamProvider = {
  name: 'own',
  priority: 5,
  share: 'probe',
  matches: (url) => url.hostname === 'own.example',
  cacheKey: clean,
  carriesCredential: (url) => url.username !== '' || url.searchParams.has('token'),
  async authorise(request, context) {
    if (context.clientCredential || request.url.origin !== context.asked.origin) return request
    return { ...request, headers: { ...request.headers, 'x-token': secret } }
  },
  classify: (failure) => (failure.status === 403 ? 'denied' : undefined),
  describe: (failure) => (failure.status === 403 ? 'no entry' : undefined),
  refuse: () => undefined,
  lends: () => true,
  ttl: () => 60,
}

const dressed = (request: Parameters<NonNullable<UpstreamProvider['authorise']>>[0]) =>
  Promise.resolve({ ...request, headers: { ...request.headers, 'x-token': secret } })

/** Another answer each time. */
function chance(): () => boolean {
  let lent = false
  return () => (lent = !lent)
}

/** What a provider can get wrong, and the check that must see it. */
const faults: [fault: string, change: Partial<UpstreamProvider>, seenBy: RegExp][] = [
  ['has an upper-case name', { name: 'Own' }, /has a name/],
  ['has half a priority', { priority: 0.5 }, /has a name/],
  ['owns by suffix', { matches: (url) => url.href.includes('own.example') }, /owns its own URLs/],
  ['owns nothing', { matches: () => false }, /owns its own URLs/],
  [
    'throws on odd URLs',
    { matches: (url) => decodeURIComponent(url.pathname) !== '' && good.matches(url) },
    /however odd/,
  ],
  ['makes a key that it does not own', { cacheKey: (url) => new URL(`keys:${clean(url).pathname}`) }, /owns its keys/],
  ['makes keys that grow', { cacheKey: (url) => new URL(`${clean(url).href}x`) }, /same key of a key/],
  ['changes the URL it was handed', { cacheKey: (url) => ((url.search = ''), clean(url)) }, /one key to each/],
  ['leaves the token in the key', { cacheKey: (url) => new URL(url) }, /one key to each/],
  ['leaves the token in the key', { cacheKey: (url) => new URL(url) }, /every secret out of keys/],
  ['has one key for everything', { cacheKey: () => new URL('https://own.example/a') }, /one key to each/],
  [
    'keeps the fragment',
    { cacheKey: (url) => new URL(`${clean(url).href}${url.hash}`) },
    /drops userinfo and fragment/,
  ],
  ['sees no credential', { carriesCredential: () => false }, /which URLs carry a credential/],
  [
    'overlooks userinfo',
    { carriesCredential: (url) => url.searchParams.has('token') },
    /which URLs carry a credential/,
  ],
  ['sees one everywhere', { carriesCredential: () => true }, /which URLs carry a credential/],
  ['has a broken lifetime', { ttl: () => 0.1 }, /lifetime/],
  ['objects in two lines', { objection: () => 'a\nb' }, /however odd/],
  [
    'loses the range',
    { authorise: async (request) => ({ ...request, headers: { 'x-token': secret } }) },
    /conditions unchanged/,
  ],
  ['is its own source', { source: async ({ url }) => ({ url }) }, /names sources/],
  [
    'names a URL with a token, which would be kept',
    { source: async ({ url }) => (url.pathname === '/b' ? undefined : { url: new URL('/b?token=abcdef', url) }) },
    /names sources/,
  ],
  ['has a source that nobody serves', { source: async () => ({ url: new URL('nowhere:x') }) }, /names sources/],
  ['adds nothing', { authorise: async (request) => request }, /adds its own credential/],
  ['denies what it lends', { lends: () => false }, /whether it lends/],
  ['does not say whether it lends', { lends: () => 'yes' as unknown as boolean }, /whether it lends/],
  ['lends by chance', { lends: chance() }, /whether it lends/],
  ['adds its own to a credential', { authorise: dressed }, /adds none of its own/],
  [
    'forgets the port',
    {
      authorise: async (request, context) =>
        context.clientCredential || request.url.hostname !== 'own.example' ? request : dressed(request),
    },
    /after a redirect/,
  ],
  [
    'changes the request that it was handed',
    {
      authorise: async (request) => {
        request.url.searchParams.set('signature', '1')
        return request
      },
    },
    /the request object/,
  ],
  [
    'has a word of its own',
    { classify: (failure) => (failure.status === 418 ? ('teapot' as 'retry') : undefined) },
    /a word of the contract/,
  ],
  [
    'trips over its answer',
    { describe: (failure) => (JSON.parse(failure.excerpt) as { message: string }).message },
    /in one line/,
  ],
  ['repeats lines', { describe: (failure) => `no: ${failure.excerpt}` }, /in one line/],
  ['repeats secrets', { describe: (failure) => `no: ${failure.excerpt}` }, /no secret in a description/],
  ['names the URL in a refusal', { refuse: (answer) => `no: ${answer.url.href}` }, /refuses an answer/],
  ['forgets what it promised', { describe: () => undefined }, /what it promises/],
]

providerContract('a provider that does right', () => good, samples)

describe('the provider contract', () => {
  for (const [fault, change, seenBy] of faults) {
    it(`sees, by "${seenBy.source}", a provider that ${fault}`, async () => {
      const checks = providerChecks(() => ({ ...good, ...change }), samples)
      const check = checks.find(({ name }) => seenBy.test(name))
      assert.ok(check, 'there is such a check')
      await assert.rejects(check.run())
    })
  }

  it('is there for strangers, as kiss/provider-contract', async () => {
    const { providerChecks: theirs } = await import('kiss-cache/provider-contract')
    assert.equal(theirs(() => good, samples).length, providerChecks(() => good, samples).length)
  })

  it('sees keys that depend on what was asked before', async () => {
    let asked = 0
    const counting: UpstreamProvider = { ...good, cacheKey: (url) => new URL(`?${asked++}`, clean(url)) }
    const check = providerChecks(() => counting, samples).find(({ name }) => name.includes('nothing but the URL'))
    await assert.rejects(check!.run(), /another order/)
  })
})

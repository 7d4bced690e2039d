/** Credentials of clients and providers, and parents. */
import assert from 'node:assert/strict'
import type { UpstreamProvider } from '#kiss/provider/types.js'
import { bytes } from '../support/origin.js'
import { get } from './support/client.js'
import { ENDPOINT, fetchFrom, parentLab } from './support/parents.js'

describe('an engine that may ask parents for private artifacts', () => {
  const here = parentLab()
  const { tiers, child } = here
  const body = bytes('parent', 300_000)

  it('gives a parent the headers that the request passes on', async () => {
    here.parent.serve(ENDPOINT, { body, etag: '"1"' })
    await fetchFrom(await child(here.parent.url('/')), tiers.origin.url('/f'), {
      headers: { 'private-token': 'alice' },
    })
    const [asked] = here.parent.log()
    assert.equal(asked?.headers['private-token'], 'alice')
    assert.match(asked.path, /passheaders=private-token/)
  })

  it('keeps a private artifact private at each tier', async () => {
    tiers.origin.serve('/f', { body, etag: '"1"', requires: { 'private-token': 'alice' } })
    const above = await tiers.start()
    const parents = { of: [{ to: [above.server.url] }] }
    const below = await tiers.start({}, { upstream: { guard: false, env: {}, parents } })
    const ask = async (base: string, token?: string): Promise<number> =>
      (
        await get(`${base}api/v1/fetch?url=${encodeURIComponent(tiers.origin.url('/f'))}`, {
          headers: token === undefined ? {} : { 'private-token': token },
        })
      ).status
    assert.equal(await ask(below.server.url, 'alice'), 200)
    for (const base of [below.server.url, above.server.url]) {
      assert.deepEqual([await ask(base, 'mallory'), await ask(base)], [401, 401])
      assert.equal(await ask(base, 'alice'), 200)
    }
  })

  it('sends no credential to a parent over an open network', async () => {
    tiers.origin.serve('/f', { body, requires: { 'private-token': 'alice' } })
    const engine = await child('http://lab.example/')
    await fetchFrom(engine, tiers.origin.url('/f'), { headers: { 'private-token': 'alice' } })
    const only = await child('http://lab.example/', { only: true })
    const failing = fetchFrom(only, tiers.origin.url('/f'), { headers: { 'private-token': 'alice' } })
    await assert.rejects(failing, { code: 'upstream-forbidden', message: /lab\.example\/ unencrypted/ })
  })

  it('sends a lent credential to the origin and not to the parent', async () => {
    const rights = { 'private-token': 'lent' }
    tiers.origin.serve('/f', { body, requires: rights })
    const lender: UpstreamProvider = {
      name: 'lender',
      priority: 1,
      matches: () => true,
      cacheKey: (url) => url,
      authorise: (request) => Promise.resolve({ ...request, headers: { ...request.headers, ...rights } }),
      lends: () => true,
    }
    const { server } = await tiers.start()
    const engine = await child(server.url, {}, { providers: [lender] })
    assert.ok((await fetchFrom(engine, tiers.origin.url('/f'))).equals(body))
    assert.deepEqual(
      tiers.origin.log('/f').map(({ status, headers }) => [status, headers['private-token']]),
      [
        [401, undefined],
        [200, 'lent'],
      ],
    )
    here.parent.serve(ENDPOINT, { body })
    await fetchFrom(await child(here.parent.url('/'), {}, { providers: [lender] }), tiers.origin.url('/f'))
    assert.equal(here.parent.log()[0]?.headers['private-token'], undefined)
  })
})

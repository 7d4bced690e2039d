/** The page of an entry, and the forms that change entries. */
import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { get, post } from './support/client.js'
import { labs } from './support/dashboard.js'
import { adminToken, entries, now, privateUrl } from './support/dashboard-contents.js'
import { GrowingBody } from './support/stub-bodies.js'

const bearer = { Authorization: `Bearer ${adminToken}` }

describe('an entry of the dashboard', () => {
  const start = labs()
  const [first] = entries

  it('has a page with its addresses, its sum, its times, its hits by day, and who shares its body', async () => {
    const lab = await start()
    const twin = { ...first!, id: 'f'.repeat(64), url: 'https://mirror.example/twin.img' }
    lab.engine.entries = [...entries, twin]
    const { status, text } = await get(`${lab.url}entries/${first!.id}`)
    assert.equal(status, 200)
    for (const shown of [
      first!.url,
      `${lab.url}api/v1/fetch?url=${encodeURIComponent(first!.url)}`,
      first!.sha256,
      'Hits by day',
      '1 other entry has',
      `href="/entries/${twin.id}"`,
    ]) {
      assert.ok(text.includes(shown), shown)
    }
    assert.equal((await get(`${lab.url}entries/${first!.id.slice(0, 16)}`)).status, 200)
    assert.match((await get(`${lab.url}resources/successes/`)).text, new RegExp(`href="/entries/${first!.id}"`))
  })

  it('says that more entries share its body than it names', async () => {
    const lab = await start()
    const details = await lab.engine.entry(first!.id)
    lab.engine.entry = async () => ({ ...details!, sharing: entries.slice(1, 100), sharedByMore: true })
    const { text } = await get(`${lab.url}entries/${first!.id}`)
    assert.match(text, /99 or more other entries have the same content/)
    assert.equal(text.split('class="artifact"').length - 1, 50)
  })

  it('is missing for strangers where it is private, and where there is none', async () => {
    const lab = await start()
    const { id } = entries.find(({ url }) => url === privateUrl)!
    assert.equal((await get(`${lab.url}entries/${id}`)).status, 404)
    assert.equal((await get(`${lab.url}entries/${id}`, { headers: bearer })).status, 200)
    assert.equal((await get(`${lab.url}entries/${'0'.repeat(64)}`)).status, 404)
  })

  it('shows no action to strangers, and offers no kiss URL where the query is hidden', async () => {
    const lab = await start()
    assert.doesNotMatch((await get(`${lab.url}entries/${first!.id}`)).text, /method="post"/)
    const hidden = entries.find(({ url }) => url.endsWith('?…'))!
    const { text } = await get(`${lab.url}entries/${hidden.id}`, { headers: bearer })
    assert.doesNotMatch(text, /api\/v1\/fetch\?url=|\/refresh"/)
    assert.match(text, /\/purge"/)
  })

  it('is purged by a form of the admin alone, with the token of its page', async () => {
    const lab = await start()
    const page = await get(`${lab.url}entries/${first!.id}`, { headers: bearer })
    const token = /name="token" value="([^"]+)"/.exec(page.text)![1]!
    const path = `${lab.url}entries/${first!.id}/purge`
    assert.equal((await post(path, { token })).status, 401)
    assert.equal((await post(path, {}, bearer)).status, 403)
    assert.equal((await post(path, { token: token.replace(/.$/, 'x') }, bearer)).status, 403)
    assert.equal((await post(path, { token: `zzzzzzzz.${token.split('.').slice(1).join('.')}` }, bearer)).status, 403)
    assert.equal(lab.engine.purges.length, 0)
    const done = await post(path, { token }, bearer)
    assert.deepEqual([done.status, done.headers.location], [303, '/resources/successes/?removed=1'])
    assert.equal((await get(`${lab.url}entries/${first!.id}`)).status, 404)
    const other = /name="token" value="([^"]+)"/.exec(
      (await get(`${lab.url}entries/${entries[1]!.id}`, { headers: bearer })).text,
    )![1]
    assert.notEqual(other, token, 'each page has a token of its own')
  })

  it('takes forms alone, and none that is long', async () => {
    const lab = await start()
    const path = `${lab.url}entries/${first!.id}/purge`
    assert.equal((await post(path, '{}', { ...bearer, 'Content-Type': 'application/json' })).status, 415)
    assert.equal((await post(path, { token: 'x'.repeat(20_000) }, bearer)).status, 413)
    const open = await start({ access: {} })
    assert.equal((await post(`${open.url}entries/${first!.id}/purge`, {})).status, 405)
  })

  it('is refreshed on demand: confirmed, downloaded anew, or told why not', async () => {
    const lab = await start()
    const entry = entries.find(({ url }) => url.startsWith('https://storage'))!
    const act = async () => {
      const page = await get(`${lab.url}entries/${entry.id}`, { headers: bearer })
      const token = /name="token" value="([^"]+)"/.exec(page.text)![1]!
      return post(`${lab.url}entries/${entry.id}/refresh`, { token }, bearer)
    }
    lab.engine.serve(entry.url, 'body', { as: 'revalidated' })
    assert.equal((await act()).headers.location, `/entries/${entry.id}?done=confirmed`)
    assert.equal(lab.engine.lastRequest.refresh, true)
    assert.equal(await lab.engine.lastArtifact.closed, 'done')
    lab.engine.serve(entry.url, new GrowingBody(10))
    assert.equal((await act()).headers.location, `/entries/${entry.id}?done=downloading`)
    lab.engine.refuse(entry.url, new KissError('origin-unreachable', 'nobody there'))
    const failed = await act()
    assert.equal(failed.status, 502)
    assert.match(failed.text, /nobody there/)
  })
})

describe('a purge of many entries', () => {
  const start = labs()

  it('shows what would go, and removes just that: not what was stored meanwhile', async () => {
    const lab = await start()
    const path = `${lab.url}entries/purge`
    assert.equal((await get(`${path}?q=rootfs`)).status, 401)
    const { text } = await get(`${path}?q=rootfs&larger-than=1GiB`, { headers: bearer })
    const wanted = lab.engine.entries.filter(({ url, size }) => url.includes('rootfs') && size > 1024 ** 3)
    assert.match(text, new RegExp(`${wanted.length} entries would be removed`))
    assert.equal(lab.engine.entries.length, entries.length)
    const fields = Object.fromEntries(
      [...text.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    ) as Record<string, string>
    const late = { ...wanted[0]!, id: 'e'.repeat(64), storedAt: now + 1 }
    lab.engine.entries = [...lab.engine.entries, late]
    const done = await post(path, fields, bearer)
    assert.equal(done.headers.location, `/resources/successes/?removed=${wanted.length}`)
    const left = lab.engine.entries.filter(({ url, size }) => url.includes('rootfs') && size > 1024 ** 3)
    assert.deepEqual(left, [late])
    assert.match((await get(lab.url.slice(0, -1) + done.headers.location)).text, new RegExp(`${wanted.length} removed`))
  })
})

import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { KissError } from '#kiss/errors.js'
import { takesGzip } from '#kiss/server/compression.js'
import { get, open, post, readAll } from './support/client.js'
import { adminToken, downloads, entries, labs, now, privateUrl } from './support/dashboard.js'
import { GrowingBody } from './support/stub-bodies.js'

const bearer = { Authorization: `Bearer ${adminToken}` }

describe('the pages of the dashboard', () => {
  const start = labs()

  it('allow nothing from elsewhere and nothing inline, and are kept by no cache', async () => {
    const lab = await start()
    for (const path of ['', 'statistics/', 'statistics', 'resources/failures', 'resources/successes/3/', 'help']) {
      const { status, headers, text } = await get(lab.url + path)
      assert.equal(status, 200, path)
      const policy = String(headers['content-security-policy'])
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /)
      assert.doesNotMatch(policy, /unsafe|data:|\*/)
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['referrer-policy'], 'no-referrer')
      assert.doesNotMatch(text, / style=| on[a-z]+="|<script>|<style/)
    }
  })

  it('are there under the names of KissCache, and under no others', async () => {
    const lab = await start()
    for (const name of ['scheduled', 'downloading', 'successes', 'failures']) {
      assert.equal((await get(`${lab.url}resources/${name}/`)).status, 200)
      assert.equal((await get(`${lab.url}resources/${name}/7`)).status, 200)
    }
    for (const path of [
      'resources/',
      'resources/others/',
      'resources/successes/x',
      'statistics/year.json',
      'assets/',
    ]) {
      assert.equal((await get(lab.url + path)).status, 404, path)
    }
  })

  it('take the order of KissCache on every list, and keep it on the way to the next page', async () => {
    const lab = await start()
    const urls = async (path: string): Promise<string[]> => {
      const { text } = await get(lab.url + path)
      return [...text.matchAll(/<th scope="row">[^]*?title="([^"]*)"/g)].map(([, url]) => url ?? '')
    }
    for (const name of ['successes', 'downloading', 'failures']) {
      const ascending = await urls(`resources/${name}/?order=url`)
      assert.ok(ascending.length > 1, name)
      assert.deepEqual(ascending, [...ascending].sort(), name)
      assert.notDeepEqual(await urls(`resources/${name}/?order=-url`), ascending, name)
    }
    assert.deepEqual(
      (await urls('resources/downloading/?order=-url')).reverse(),
      await urls('resources/downloading/?order=url'),
    )
    const { text } = await get(`${lab.url}resources/successes/2/?order=-content_length`)
    assert.match(text, /href="\/resources\/successes\/3\?sort=size"/)
  })

  it('answer a browser with a page, and a program with a problem, where there is nothing', async () => {
    const lab = await start()
    for (const path of ['resources/', '%3Cb%3E', 'nothing/at/all']) {
      const page = await get(lab.url + path, { headers: { Accept: 'text/html,*/*;q=0.8' } })
      assert.deepEqual([page.status, page.headers['content-type']], [404, 'text/html; charset=utf-8'])
      assert.match(page.text, new RegExp(`<h1>No such page</h1>[^]*<code>/${path}</code>`))
      const problem = await get(lab.url + path)
      assert.deepEqual([problem.status, problem.headers['content-type']], [404, 'application/problem+json'])
    }
    const api = await get(`${lab.url}api/v2/`, { headers: { Accept: 'text/html' } })
    assert.deepEqual([api.status, api.headers['content-type']], [404, 'application/problem+json'])
  })

  it('ask for files that may be kept for ever, under an address that goes with their content', async () => {
    const lab = await start()
    const { text } = await get(lab.url)
    const addresses = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, address]) => address ?? '')
    assert.equal(addresses.length, 5)
    for (const address of addresses) {
      const { status, headers } = await get(lab.url + address.slice(1))
      assert.deepEqual([status, headers['cache-control']], [200, 'public, max-age=31536000, immutable'], address)
      assert.match(String(headers['content-type']), /^(text\/javascript|text\/css|image\/svg\+xml)/)
    }
    const other = addresses[0]!.replace(/[0-9a-f]{12}/, '0123456789ab')
    assert.equal((await get(lab.url + other.slice(1))).status, 404)
  })

  it('say nothing of private artifacts but to the admin', async () => {
    const lab = await start()
    const paths = [
      '',
      'statistics/',
      'resources/successes/',
      'resources/downloading/',
      'resources/failures/',
      'metrics',
    ]
    for (const path of [...paths, 'resources/successes/?q=secret', 'api/v1/status/', 'statistics/hour.json']) {
      const { text } = await get(lab.url + path)
      assert.ok(!text.replace(/value="secret"/, '').includes('secret'), path)
    }
    const { text } = await get(`${lab.url}resources/successes/?q=secret`, { headers: bearer })
    assert.ok(text.includes(privateUrl))
  })

  it('count no private artifacts for strangers, and lead to none of them', async () => {
    const lab = await start()
    assert.match((await get(`${lab.url}resources/successes/`)).text, />140\s+entries</)
    const admin = (await get(`${lab.url}resources/successes/`, { headers: bearer })).text
    assert.match(admin, />141\s+entries</)
    assert.ok(!admin.includes(encodeURIComponent(privateUrl)), 'without its token a link would lead nowhere')
  })

  it('let a browser ask for the admin token, where there is one', async () => {
    const lab = await start()
    const asked = await get(`${lab.url}sign-in`)
    assert.equal(asked.status, 401)
    assert.match(String(asked.headers['www-authenticate']), /^Basic /)
    assert.match(asked.text, /^{"type":"urn:kiss:problem:client-forbidden"/)
    const shown = await get(`${lab.url}sign-in`, { headers: { accept: 'text/html' } })
    assert.deepEqual([shown.status, shown.headers['www-authenticate']], [401, asked.headers['www-authenticate']])
    assert.match(shown.text, /<h1>Not signed in<\/h1>/)
    assert.equal((await get(`${lab.url}sign-in`, { headers: bearer })).headers.location, '/')
    const open = await start({ access: {} })
    assert.equal((await get(`${open.url}sign-in`)).status, 404)
    assert.doesNotMatch((await get(open.url)).text, /sign-in/)
  })

  it('are for those who may use the server', async () => {
    const lab = await start({ access: { clientTokens: ['secret'] } })
    for (const path of ['', 'statistics/', 'resources/successes/', 'help/', 'events', 'statistics/hour.json']) {
      assert.equal((await get(lab.url + path)).status, 401, path)
    }
  })

  it('say what was saved where a price is known, and nothing of money elsewhere', async () => {
    const priced = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    assert.match((await get(priced.url)).text, /Saved[^]*145,080 USD[^]*at 0\.09 USD per GB/)
    const unpriced = await start()
    const { text } = await get(unpriced.url)
    assert.match(text, /Saved[^]*1\.43 PiB[^]*not downloaded again/)
    assert.doesNotMatch(text, /per GB/)
  })
})

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

describe('the pages on the wire', () => {
  const start = labs()

  it('are compressed for those who take it, and say that it depends', async () => {
    const lab = await start()
    for (const path of ['resources/successes/', 'statistics/hour.json']) {
      const plain = await get(lab.url + path)
      const zipped = await get(lab.url + path, { headers: { 'Accept-Encoding': 'br, gzip;q=0.5' } })
      assert.equal(zipped.headers['content-encoding'], 'gzip')
      assert.match(String(plain.headers.vary), /Accept-Encoding/)
      assert.equal(plain.headers['content-encoding'], undefined)
      assert.ok(zipped.body.length < plain.body.length / 3)
      if (path.endsWith('json')) assert.deepEqual(gunzipSync(zipped.body), plain.body)
    }
    for (const none of ['', 'identity', 'gzip;q=0', '*;q=0', 'br']) assert.equal(takesGzip(none), false, none)
    for (const some of ['gzip', '*', 'br, GZIP; q=0.1']) assert.equal(takesGzip(some), true, some)
  })

  it('have the numbers of downloads and of the failures of the last hour on the navigation', async () => {
    const lab = await start()
    const nav = (text: string): string =>
      /<nav aria-label="Pages">[^]*?<\/nav>/.exec(text)?.[0].replace(/<[^>]+>/g, ' ') ?? ''
    assert.match(nav((await get(lab.url)).text), /Downloading\s+4\s+Waiting\s+2\s+Failures\s+4\s+Help/)
    lab.engine.state = { ...lab.engine.state, downloads: [], failures: [] }
    assert.match(nav((await get(lab.url)).text), /Downloading\s+Waiting\s+Failures\s+Help/)
  })

  it('have failures by artifact and reason, with status, clients and the next try, and no URL in the reason', async () => {
    const lab = await start()
    const { text } = await get(`${lab.url}resources/failures/`)
    assert.match(text, /5\s+failures\s+in 3 groups/)
    const [row = ''] = /<tr>(?:(?!<tr>)[^])*builds\/9999\/[^]*?<\/tr>/.exec(text)!
    const words = row.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
    assert.match(
      words,
      /The origin refused the request the origin answered 404 404 3 times 10\.0\.3\.7 \+1 2m ago next try: next request/,
    )
    assert.match(text, />in 8s</)
    assert.doesNotMatch(text, /cannot fetch/)
  })

  it('have waiting downloads in the order of the queue, each with its place', async () => {
    const lab = await start()
    const waiting = (name: string, place?: number) => ({
      ...downloads[0]!,
      ...{ url: `https://queue.example.com/${name}`, state: 'scheduled' as const, received: 0, place },
    })
    const later = { ...waiting('e', 1), state: 'downloading' as const }
    lab.engine.state = {
      ...lab.engine.state,
      downloads: [waiting('c', 3), later, waiting('d'), waiting('a', 1), waiting('b', 2)],
    }
    const text = (await get(`${lab.url}resources/scheduled/`)).text.replace(/<[^>]+>/g, ' ')
    const rows = text.matchAll(/([a-e])\s+queue\.example\.com\/\s+(place \d|the answer)/g)
    assert.deepEqual(
      [...rows].map(([, name, waitsFor]) => `${name}: ${waitsFor}`),
      ['a: place 1', 'b: place 2', 'c: place 3', 'd: the answer'],
    )
  })

  it('have hosts by what was served of them', async () => {
    const lab = await start()
    const { text } = await get(`${lab.url}statistics/`)
    const hosts = [...text.matchAll(/href="\/resources\/successes\/\?host=([^"]+)"/g)].map(([, host]) => host)
    assert.deepEqual(hosts.slice(0, 3), [
      'storage.lkft.example.org',
      'gone.example.net',
      'storage.kernelci.example.com',
    ])
    assert.match(text, /private artifacts/)
  })

  it('have charts of bytes a second, and a hit ratio only where somebody asked', async () => {
    const lab = await start()
    const past = JSON.parse((await get(`${lab.url}statistics/day.json`)).text) as Record<string, (number | null)[]>
    const intervals = await lab.engine.figures.history('day')
    const idle = intervals.findIndex(({ amounts }) => amounts?.answered === 0)
    const busy = intervals.findIndex(({ amounts }) => (amounts?.answered ?? 0) > 0)
    assert.deepEqual([past['served']![idle], past['hitRatio']![idle]], [0, null])
    assert.equal(past['served']![busy], Math.round(intervals[busy]!.amounts!.served / 300))
    assert.equal(past['joined']![busy], Math.round(intervals[busy]!.amounts!.served_collapsed / 300))
  })
})

describe('the live view', () => {
  const start = labs()

  /** The first complete event of a stream, as an object. */
  async function firstEvent(url: string, headers = {}): Promise<{ parts: Record<string, string>; said: string }> {
    const message = await open(url, { headers })
    let text = ''
    for await (const chunk of message) {
      text += String(chunk)
      const data = /^data: (.*)\n\n/m.exec(text)?.[1]
      if (data !== undefined) return JSON.parse(data) as { parts: Record<string, string>; said: string }
    }
    throw new Error(`the stream ended: ${text}`)
  }

  it('tells the state at once, to strangers without private downloads', async () => {
    const lab = await start()
    const stranger = await firstEvent(`${lab.url}events`)
    const admin = await firstEvent(`${lab.url}events`, bearer)
    assert.deepEqual(Object.keys(stranger.parts).sort(), [
      'downloading',
      'failures',
      'kinds',
      'n-downloading',
      'n-failed',
      'n-waiting',
      'quota',
      'scheduled',
      'tiles',
    ])
    assert.deepEqual([stranger.said, admin.said], ['6 downloads', '7 downloads'])
    assert.ok(!JSON.stringify(stranger).includes('secret'))
    assert.ok(JSON.stringify(admin).includes('secret'))
  })

  it('asks the engine once, however many look', async () => {
    const lab = await start()
    const status = lab.engine.status.bind(lab.engine)
    let asked = 0
    lab.engine.status = () => {
      asked++
      return status()
    }
    await Promise.all(Array.from({ length: 30 }, () => firstEvent(`${lab.url}events`)))
    assert.ok(asked < 30, `asked ${asked} times`)
  })

  it('admits ten listeners of a client and a hundred of all, and tells the next when to come again', async () => {
    const lab = await start({ access: { trustProxies: ['127.0.0.1'] } })
    const from = (client: string) => ({ headers: { 'X-Forwarded-For': client } })
    const watch = (client: string, length: number) =>
      Promise.all(Array.from({ length }, () => open(`${lab.url}events`, from(client))))
    // One client of IPv6 has a whole /64.
    const watching = await Promise.all(
      Array.from({ length: 10 }, (_, index) => watch(`2001:db8::${index + 1}`, 1)).concat(watch('10.0.0.1', 10)),
    )
    for (const client of ['10.0.0.1', '2001:db8::ffff']) {
      const refused = await get(`${lab.url}events`, from(client))
      assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '30'], client)
    }
    for (let client = 2; client <= 9; client++) watching.push(await watch(`10.0.0.${client}`, 10))
    assert.deepEqual([...new Set(watching.flat().map(({ statusCode }) => statusCode))], [200])
    assert.equal((await get(`${lab.url}events`, from('10.0.1.1'))).status, 503)
    const left = lab.records.next()
    watching.at(-1)!.pop()!.destroy()
    await left
    assert.equal((await open(`${lab.url}events`, from('10.0.1.1'))).statusCode, 200)
    for (const message of watching.flat()) message.destroy()
  })

  it('ends when the server closes', async () => {
    const lab = await start()
    const message = await open(`${lab.url}events`)
    const ended = readAll(message)
    await lab.close()
    assert.match((await ended).text, /^retry: /)
  })
})

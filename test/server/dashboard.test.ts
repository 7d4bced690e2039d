import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { takesGzip } from '#kiss/server/compression.js'
import { get } from './support/client.js'
import { labs } from './support/dashboard.js'
import { adminToken, downloads, privateUrl } from './support/dashboard-contents.js'

const bearer = { Authorization: `Bearer ${adminToken}` }

describe('the pages of the dashboard', () => {
  const start = labs()

  it('the pages load nothing from elsewhere and nothing inline, and no cache keeps them', async () => {
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

  it('the pages have the paths of KissCache and no others', async () => {
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

  it('every list takes the sort order of KissCache, and the link to the next page keeps it', async () => {
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

  it('a missing path gets a page in a browser and a problem document in a program', async () => {
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

  it('the pages load files that may be cached for ever, and whose address changes with their content', async () => {
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

  it('only the admin sees private artifacts', async () => {
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

  it('strangers get no count of private artifacts and no link to one', async () => {
    const lab = await start()
    assert.match((await get(`${lab.url}resources/successes/`)).text, />140\s+entries</)
    const admin = (await get(`${lab.url}resources/successes/`, { headers: bearer })).text
    assert.match(admin, />141\s+entries</)
    assert.ok(!admin.includes(encodeURIComponent(privateUrl)), 'without its token a link would lead nowhere')
  })

  it('the browser asks for the admin token if there is one', async () => {
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

  it('only users who may use the server get the pages', async () => {
    const lab = await start({ access: { clientTokens: ['secret'] } })
    for (const path of ['', 'statistics/', 'resources/successes/', 'help/', 'events', 'statistics/hour.json']) {
      assert.equal((await get(lab.url + path)).status, 401, path)
    }
  })

  it('the pages show the money saved if a price is set, and no money otherwise', async () => {
    const priced = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    assert.match((await get(priced.url)).text, /Saved[^]*145,080 USD[^]*at 0\.09 USD per GB/)
    const unpriced = await start()
    const { text } = await get(unpriced.url)
    assert.match(text, /Saved[^]*1\.43 PiB[^]*not downloaded again/)
    assert.doesNotMatch(text, /per GB/)
  })
})

describe('the pages on the wire', () => {
  const start = labs()

  it('pages are compressed for clients that accept it, with Vary', async () => {
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

  it('the navigation shows the number of downloads and of failures of the last hour', async () => {
    const lab = await start()
    const nav = (text: string): string =>
      /<nav aria-label="Pages">[^]*?<\/nav>/.exec(text)?.[0].replace(/<[^>]+>/g, ' ') ?? ''
    assert.match(nav((await get(lab.url)).text), /Downloading\s+4\s+Waiting\s+2\s+Failures\s+4\s+Help/)
    lab.engine.state = { ...lab.engine.state, downloads: [], failures: [] }
    assert.match(nav((await get(lab.url)).text), /Downloading\s+Waiting\s+Failures\s+Help/)
  })

  it('failures are listed by artifact and reason, with status, clients and the next try, and no URL in the reason', async () => {
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

  it('waiting downloads are listed in the order of the queue, each with its place', async () => {
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

  it('hosts are sorted by the bytes served', async () => {
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

  it('the charts show bytes a second, and a hit ratio only if there were requests', async () => {
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

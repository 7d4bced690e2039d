import assert from 'node:assert/strict'
import { get, open, readAll } from './support/client.js'
import { adminToken, labs, privateUrl } from './support/dashboard.js'

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
    const priced = await start({ egressPrice: 0.09 })
    assert.match((await get(priced.url)).text, /Saved[^]*145,080[^]*at 0\.09 per GB/)
    const unpriced = await start()
    const { text } = await get(unpriced.url)
    assert.match(text, /Saved[^]*1\.43 PiB[^]*not downloaded again/)
    assert.doesNotMatch(text, /per GB/)
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
      'quota',
      'scheduled',
      'tiles',
    ])
    assert.deepEqual([stranger.said, admin.said], ['5 downloads', '6 downloads'])
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

  it('takes a hundred who look, and tells the next when to come again', async () => {
    const lab = await start()
    const watching = await Promise.all(Array.from({ length: 100 }, () => open(`${lab.url}events`)))
    assert.deepEqual([...new Set(watching.map(({ statusCode }) => statusCode))], [200])
    const refused = await get(`${lab.url}events`)
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '30'])
    const left = lab.records.next()
    watching.pop()!.destroy()
    await left
    assert.equal((await open(`${lab.url}events`)).statusCode, 200)
    for (const message of watching) message.destroy()
  })

  it('ends when the server closes', async () => {
    const lab = await start()
    const message = await open(`${lab.url}events`)
    const ended = readAll(message)
    await lab.close()
    assert.match((await ended).text, /^retry: /)
  })
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { listening, Sandbox, type Command } from '../support/cli.js'
import { get, open, readAll } from '../server/support/client.js'
import { bytes, latch, Origin } from '../support/origin.js'

describe('the pages of kiss serve', function () {
  this.timeout(30_000)
  const body = bytes('pages', 50_000)
  const token = 'the-admin-token-of-a-lab'
  const admin = { headers: { Authorization: `Bearer ${token}` } }
  let sandbox: Sandbox
  let origin: Origin
  let running: Command
  let server: string

  async function serve(...more: string[]): Promise<void> {
    const file = path.join(sandbox.root, 'token')
    writeFileSync(file, token)
    const flags = [
      '--port',
      '0',
      '--allow-upstream',
      '127.0.0.0/8',
      '--admin-token-file',
      file,
      '--egress-price',
      '0.09',
    ]
    // Workers are processes that start the program themselves.
    const isAlone = !more.includes('--workers')
    running = isAlone ? sandbox.startServer([...flags, ...more]) : sandbox.start(['serve', ...flags, ...more])
    server = await listening(running)
  }

  async function stop(): Promise<void> {
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
  }

  const text = async (name: string, init?: RequestInit): Promise<string> => (await fetch(server + name, init)).text()
  const artifact = (name: string, init?: RequestInit): Promise<Response> =>
    fetch(`${server}api/v1/fetch?url=${encodeURIComponent(origin.url(name))}`, init)
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (.*)$`, 'm').exec(await text('metrics'))?.[1])

  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    await serve()
  })
  afterEach(async () => {
    await stop()
    await origin.close()
    sandbox.remove()
  })

  it('the pages show artifacts, failures and their reasons, and private artifacts to the admin alone', async () => {
    origin.serve('/public.img', { body })
    origin.serve('/secret.img', { body, etag: '"1"' })
    assert.equal((await artifact('/public.img')).status, 200)
    const private_ = await artifact('/secret.img', { headers: { 'Private-Token': 'lent' } })
    await private_.arrayBuffer()
    assert.equal(private_.headers.get('cache-control'), 'private, no-store')
    assert.equal((await artifact('/gone.img')).status, 404)
    assert.equal((await artifact('/denied-secret.img', { headers: { 'Private-Token': 'lent' } })).status, 404)

    const pages = ['', 'statistics/', 'resources/successes/', 'resources/failures/', 'metrics', 'api/v1/status/']
    for (const page of pages) assert.doesNotMatch(await text(page), /secret/, page)
    assert.match(await text('resources/successes/'), /public\.img/)
    assert.match(await text('resources/failures/'), /gone\.img[^]*The origin refused the request[^]*404/)
    assert.match(await text('resources/successes/', admin), /secret\.img[^]*private/)
    assert.match(await text('resources/failures/', admin), /denied-secret\.img/)
    assert.doesNotMatch(await text('resources/failures/', admin), /lent/)
  })

  it('the pages count every request to the fetch endpoint, refused ones included', async () => {
    origin.serve('/a', { body })
    assert.equal((await artifact('/a')).status, 200)
    assert.equal((await artifact('/gone.img')).status, 404)
    const refused = ['', '?url=nonsense', '?url=https://a.example/b&ttl=soon', `?url=${encodeURIComponent(server)}`]
    const statuses: number[] = []
    for (const query of refused) statuses.push((await fetch(`${server}api/v1/fetch${query}`)).status)
    assert.deepEqual(statuses, [400, 400, 400, 508])
    const { statistics_requests: requests } = JSON.parse(await text('api/v1/status/')) as Record<string, number>
    assert.equal(requests, 6)
    assert.equal(await metric('kiss_requests_total\\{as="failed"\\}'), 5)
  })

  it('the pages show a download in flight with its readers', async () => {
    const gate = latch()
    origin.script('/slow.img', [{ body, stall: { after: 10_000, until: gate.opened } }])
    const readers = await Promise.all([artifact('/slow.img'), artifact('/slow.img')])
    const page = await text('resources/downloading/')
    assert.match(page, /slow\.img[^]*of 48\.8 KiB[^]*data-label="Readers" class="number">\s*2</)
    assert.equal(await metric('kiss_downloads_in_flight\\{state="downloading"\\}'), 1)
    gate.open()
    for (const reader of readers) assert.equal((await reader.arrayBuffer()).byteLength, body.length)
  })

  it('the pages of all workers show the same figures', async () => {
    await stop()
    await serve('--workers', '2')
    origin.serve('/a', { body })
    /** Over a connection of its own, which goes to the next worker. */
    const ask = (name: string): Promise<string> => get(server + name).then(({ text: answer }) => answer)
    for (let i = 0; i < 6; i++) await ask(`api/v1/fetch?url=${encodeURIComponent(origin.url('/a'))}`)
    await ask(`api/v1/fetch?url=${encodeURIComponent(origin.url('/gone.img'))}`)
    const served = (page: string): boolean =>
      page.includes(`kiss_served_bytes_total{as="hit"} ${5 * body.length}\n`) &&
      page.includes('kiss_http_request_duration_seconds_count{route="fetch",cache="hit"} 5\n')
    // What another worker has counted is there within a second.
    for (let agreed = 0; agreed < 4;) agreed = served(await ask('metrics')) ? agreed + 1 : 0
    for (let agreed = 0; agreed < 4;) agreed = (await ask('resources/failures/')).includes('gone.img') ? agreed + 1 : 0
  })

  it('the pages count the readers of all workers', async () => {
    await stop()
    await serve('--workers', '2')
    const gate = latch()
    origin.script('/slow.img', [{ body, stall: { after: 10_000, until: gate.opened } }])
    const url = `${server}api/v1/fetch?url=${encodeURIComponent(origin.url('/slow.img'))}`
    const readers = await Promise.all(Array.from({ length: 4 }, () => open(url)))
    const page = async (): Promise<string> => (await get(`${server}resources/downloading/`)).text
    // What another worker tells is there within a second.
    for (let agreed = 0; agreed < 4;)
      agreed = /data-label="Readers" class="number">\s*4</.test(await page()) ? agreed + 1 : 0
    gate.open()
    for (const reader of readers) assert.equal((await readAll(reader)).body.length, body.length)
  })

  it('the pages continue the counts of the previous server', async () => {
    origin.serve('/a', { body })
    for (let i = 0; i < 3; i++) await (await artifact('/a')).arrayBuffer()
    await stop()
    await serve()
    assert.equal(await metric('kiss_downloaded_bytes_total'), body.length)
    assert.equal(await metric('kiss_served_bytes_total\\{as="hit"\\}'), 2 * body.length)
    const fetched = 'kiss_http_request_duration_seconds_count\\{route="fetch",cache="hit"\\}'
    assert.equal(await metric(fetched), 2)
    assert.match(await text(''), /Saved/)
    // The history has begun with the first server: the counters of now are not of the last interval.
    assert.equal((JSON.parse(await text('statistics/hour.json')) as { times: number[] }).times.length, 360)
  })
})

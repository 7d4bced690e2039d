import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Asker, read } from '../support/asking.js'
import { Origin, bytes, latch } from '../support/origin.js'

const body = bytes('limits', 100_000)

describe('limits on downloads', () => {
  let origin: Origin
  let asker: Asker

  beforeEach(async () => {
    origin = await Origin.start()
    for (const path of ['/1', '/2', '/3']) origin.serve(path, { body, etag: '"1"' })
  })
  afterEach(async () => {
    await asker.close()
    await origin.close()
  })

  it('runs so many at once, in order of arrival, each until its body ends', async () => {
    asker = await Asker.open({ maxDownloads: 2 })
    const started: string[] = []
    const answers = ['/1', '/2', '/3'].map((path) => asker.ask(origin.url(path), { onStart: () => started.push(path) }))
    await Promise.all(answers.slice(0, 2))
    await turn()
    assert.deepEqual(started, ['/1', '/2'])
    await read(await answers[1]!)
    assert.equal((await answers[2]!).status, 200)
    assert.deepEqual(started, ['/1', '/2', '/3'])
  })

  it('frees the place of one that fails, is discarded or looked at as an error page', async () => {
    asker = await Asker.open({ maxDownloads: 1 })
    origin.script('/1', [{ drop: 'fin' }, { cut: { after: 10 } }, { body, redirect: 'ftp://x/' }, { status: 404 }, {}])
    await assert.rejects(asker.get(origin.url('/1')))
    await assert.rejects(asker.get(origin.url('/1')))
    await assert.rejects(asker.get(origin.url('/1')), { code: 'origin-failed' })
    await (await asker.ask(origin.url('/1'))).excerpt()
    await (await asker.ask(origin.url('/1'))).discard()
    const gone = new AbortController()
    const answer = await asker.ask(origin.url('/1'), { signal: gone.signal })
    gone.abort(new Error('gone'))
    await assert.rejects(read(answer), /gone/)
    const iterator = (await asker.ask(origin.url('/1'))).body[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return?.()
    assert.deepEqual((await asker.get(origin.url('/1'))).body, body)
  })

  it('forgets a download that was aborted while waiting', async () => {
    asker = await Asker.open({ maxDownloads: 1 })
    const first = await asker.ask(origin.url('/1'))
    const gone = new AbortController()
    const waiting = asker.ask(origin.url('/2'), { signal: gone.signal, onStart: () => assert.fail('started') })
    gone.abort(new Error('gone'))
    await assert.rejects(waiting, /gone/)
    await read(first)
    await asker.get(origin.url('/3'))
    assert.equal(origin.log('/2').length, 0)
  })

  it('counts per host', async () => {
    asker = await Asker.open({ maxDownloadsPerHost: 1 })
    const started: string[] = []
    const ask = (name: string, url: string) => asker.ask(url, { onStart: () => started.push(name) })
    const first = await ask('first', origin.url('/1'))
    const second = ask('second', origin.url('/2'))
    await (await ask('elsewhere', origin.url('/3', 'localhost'))).discard()
    assert.deepEqual(started, ['first', 'elsewhere'])
    await first.discard()
    await (await second).discard()
    assert.deepEqual(started, ['first', 'elsewhere', 'second'])
  })

  it('holds up neither HEAD nor a probe; a body that answers a probe waits for a place', async () => {
    asker = await Asker.open({ maxDownloads: 1 })
    const rest = latch()
    origin.script('/1', [{ body, stall: { after: 10, until: rest.opened } }])
    const first = await asker.ask(origin.url('/1'))
    let starts = 0
    const onStart = () => {
      starts++
    }
    assert.equal((await asker.get(origin.url('/2'), { method: 'HEAD', onStart })).status, 200)
    assert.equal((await asker.get(origin.url('/2'), { headers: { 'if-none-match': '"1"' }, onStart })).status, 304)
    const changed = await asker.ask(origin.url('/2'), { headers: { 'if-none-match': '"0"' }, onStart })
    assert.deepEqual([changed.status, starts], [200, 3])
    const events: string[] = []
    const reading = read(changed).then((got) => (events.push('changed'), got))
    await turn()
    rest.open()
    await read(first).then(() => events.push('first'))
    assert.deepEqual(await reading, body)
    assert.deepEqual(events, ['first', 'changed'])
  })

  it('lets bodies share one rate', async () => {
    const waits: number[] = []
    let now = 0
    const clock = { monotonic: () => now, sleep: async (ms: number) => void (waits.push(ms), (now += ms)) }
    asker = await Asker.open({ maxRate: 100_000 }, { clock })
    const [one, two] = await Promise.all([asker.get(origin.url('/1')), asker.get(origin.url('/2'))])
    assert.deepEqual([one.body, two.body], [body, body])
    // Two seconds of bytes, less what the burst lets pass at once.
    assert.ok(Math.abs(now - 1900) < 1, `${now} ms`)
    assert.ok(waits.length > 1)
  })

  describe('that others wait for', () => {
    let now = 0
    const clock = { monotonic: () => now, sleep: async () => undefined }
    const slow = latch()
    beforeEach(async () => {
      asker = await Asker.open({ maxDownloads: 1 }, { clock })
      origin.script('/slow', [{ body, stall: { after: 100, until: slow.opened } }])
    })

    it('end for a slow download without readers', async () => {
      const reading = read(await asker.ask(origin.url('/slow'), { readers: () => 0 }))
      const yielded = assert.rejects(reading, { code: 'ERR_YIELDED' })
      now += 30_000
      assert.deepEqual((await asker.get(origin.url('/1'))).body, body)
      await yielded
    })

    it('stay with a slow download that a client reads, and with a fast download without readers', async () => {
      for (const request of [
        { path: '/slow', readers: 1 },
        { path: '/1', readers: 0 },
      ]) {
        const first = await asker.ask(origin.url(request.path), { readers: () => request.readers })
        const iterator = first.body[Symbol.asyncIterator]()
        await iterator.next()
        const places: (() => number)[] = []
        const second = asker.ask(origin.url('/2'), { onQueue: (place) => places.push(place) })
        if (request.path === '/slow') now += 30_000
        // Two looks of the gate.
        await new Promise((resolve) => setTimeout(resolve, 2500))
        assert.equal(places[0]?.(), 1)
        await iterator.return?.()
        await read(await second)
      }
    })

    it('go first to the client that holds the fewest', async () => {
      await asker.close()
      asker = await Asker.open({ maxDownloads: 2 }, { clock })
      const first = await asker.ask(origin.url('/1'), { client: 'greedy' })
      const other = await asker.ask(origin.url('/3'), { client: 'greedy' })
      const started: string[] = []
      const ask = (path: string, client: string) =>
        asker.ask(origin.url(path), { client, onStart: () => started.push(client) })
      const waiting = [ask('/1', 'greedy'), ask('/2', 'modest')]
      await read(other)
      await read(await waiting[1]!)
      await turn()
      assert.deepEqual(started, ['modest', 'greedy'])
      await read(first)
      await read(await waiting[0]!)
    })
  })
})

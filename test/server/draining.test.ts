import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { get, open, readAll, take } from './support/client.js'
import { testServers } from './support/servers.js'
import { GrowingBody } from './support/stub-bodies.js'

const origin = 'https://origin.example/f'

describe('draining', () => {
  const start = testServers()

  it('lets a reader finish, answers everybody else 503, and then closes', async () => {
    const server = await start()
    const body = server.engine.serve(origin, new GrowingBody(10))
    const reader = await open(server.fetchUrl(origin))
    body.push('first')
    await take(reader, 5)
    assert.equal(server.readers, 1)

    const drained = server.drain()
    for (const url of [server.fetchUrl(origin), `${server.url}api/v1/health/`]) {
      const { status, headers } = await get(url)
      assert.deepEqual([status, headers.connection, headers['retry-after']], [503, 'close', '5'], url)
    }
    assert.equal((await get(`${server.url}api/v1/status/`)).status, 200)
    assert.equal(server.engine.requests.length, 1)

    body.push('later')
    body.finish()
    const rest = await readAll(reader)
    assert.deepEqual([rest.text, rest.complete], ['later', true])
    await drained
    await assert.rejects(get(server.url), { code: 'ECONNREFUSED' })
  })

  it('waits for a reader that has no answer yet', async () => {
    const server = await start()
    const body = new GrowingBody(5)
    let begin!: () => void
    const asked = new Promise<void>((resolve) => {
      server.engine.answer(origin, async (request) => {
        resolve()
        await new Promise<void>((go) => (begin = go))
        server.engine.serve(origin, body)
        return (await server.engine.fetch(request)) as never
      })
    })
    const answer = get(server.fetchUrl(origin))
    await asked
    const drained = server.drain()
    begin()
    body.push('hello')
    body.finish()
    assert.equal((await answer).text, 'hello')
    await drained
  })

  it('cuts readers short after the drain timeout', async () => {
    const server = await start({ drainTimeout: 1 })
    server.engine.serve(origin, new GrowingBody(10))
    const reader = await open(server.fetchUrl(origin))
    await server.drain()
    assert.equal((await readAll(reader)).complete, false)
    assert.equal(await server.engine.lastArtifact.closed, 'aborted')
  })

  it('lets a reader finish under a drain timeout that is longer than a timer can run', async () => {
    const server = await start({ drainTimeout: 30 * 86_400_000 })
    const body = server.engine.serve(origin, new GrowingBody(5))
    const reader = await open(server.fetchUrl(origin))
    const drained = server.drain()
    await new Promise((resolve) => setTimeout(resolve, 20))
    body.push('later')
    body.finish()
    assert.deepEqual([(await readAll(reader)).text, server.readers], ['later', 0])
    await drained
  })

  it('does not wait for idle connections, and may be requested twice', async () => {
    const server = await start()
    const agent = new Agent({ keepAlive: true })
    await new Promise<void>((resolve, reject) => {
      httpRequest(server.url, { agent }, (message) => {
        message.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
    await Promise.all([server.drain(), server.drain()])
    agent.destroy()
  })
})

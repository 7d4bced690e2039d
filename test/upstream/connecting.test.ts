import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type LookupFunction, type Server, type Socket } from 'node:net'
import { KissError } from '#kiss/errors.js'
import { guardedConnector } from '#kiss/upstream/connector.js'
import { Asker } from '../support/asking.js'
import { Origin, bytes } from '../support/origin.js'

const body = bytes('connecting', 1000)

/** A resolver that answers with these addresses, one list per call; the last stays. */
function resolver(...answers: string[][]): LookupFunction & { asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname)
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all === true) callback(null, all)
    else callback(null, all[0]?.address ?? '', all[0]?.family ?? 4)
  }
  return Object.assign(lookup, { asked })
}

describe('connecting under the guard', () => {
  let origin: Origin
  const open: Asker[] = []

  async function asker(...options: Parameters<typeof Asker.open>): Promise<Asker> {
    const one = await Asker.open(...options)
    open.push(one)
    return one
  }

  async function refused(asking: Promise<unknown>, message: RegExp): Promise<void> {
    await assert.rejects(asking, (error) => {
      assert.ok(error instanceof KissError)
      assert.deepEqual([error.code, error.status], ['upstream-forbidden', 403])
      assert.match(error.message, message)
      return true
    })
  }

  beforeEach(async () => {
    origin = await Origin.start()
    origin.serve('/a', { body })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    await origin.close()
  })

  it('connects to no loopback address, however it is written', async () => {
    const own = await asker({ allow: [] })
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      'localhost',
      '0',
    ]) {
      await refused(own.get(origin.url('/a', host)), /--allow-upstream/)
    }
    assert.equal(origin.connections, 0)
  })

  it('connects to no loopback address that a name resolves to', async () => {
    const own = await asker({ allow: [] }, { lookup: resolver(['127.0.0.1', '::1', '::ffff:127.0.0.1']) })
    await refused(own.get(origin.url('/a', 'evil.example')), /evil\.example \(127\.0\.0\.1\) is a loopback address/)
    assert.equal(origin.connections, 0)
  })

  it('asks the resolver again for every connection, and judges every answer', async () => {
    const lookup = resolver(['127.0.0.1'], ['127.0.0.2'])
    const own = await asker({ allow: ['127.0.0.1'] }, { lookup })
    origin.script('/a', [{ body, extra: { connection: 'close' } }])
    assert.equal((await own.get(origin.url('/a', 'moving.example'))).status, 200)
    await refused(own.get(origin.url('/a', 'moving.example')), /127\.0\.0\.2/)
    assert.deepEqual(lookup.asked, ['moving.example', 'moving.example'])
    assert.equal(origin.connections, 1)
  })

  it('leaves forbidden addresses out and takes the others', async () => {
    const own = await asker({ allow: ['127.0.0.1'] }, { lookup: resolver(['127.0.0.2', '10.0.0.1', '127.0.0.1']) })
    assert.deepEqual((await own.get(origin.url('/a', 'mixed.example'))).body, body)
  })

  it('takes the real resolver for names, and filters what it says', async () => {
    const own = await asker({ allow: ['127.0.0.0/8'] })
    assert.deepEqual((await own.get(origin.url('/a', 'localhost'))).body, body)
    const named = await asker({ allow: [`localhost:${origin.port}`] })
    assert.deepEqual((await named.get(origin.url('/a', 'localhost'))).body, body)
    await refused(named.get(origin.url('/a')), /127\.0\.0\.1 is a loopback address/)
  })

  it('guards every hop, whatever the first one was', async () => {
    origin.script('/a', [
      { redirect: 'http://127.0.0.2/' },
      { redirect: 'http://169.254.169.254/latest/meta-data' },
      { redirect: 'http://evil.example/' },
    ])
    const own = await asker({ allow: ['127.0.0.1'] }, { lookup: resolver(['10.0.0.1']) })
    await refused(own.get(origin.url('/a')), /127\.0\.0\.2/)
    await refused(own.get(origin.url('/a')), /169\.254\.169\.254 is a link-local/)
    await refused(own.get(origin.url('/a')), /evil\.example \(10\.0\.0\.1\)/)
  })

  it('guards what a provider makes of a URL', async () => {
    const own = await asker({ allow: [] })
    const provider = {
      ...{ name: 's3', priority: 1, matches: () => true, cacheKey: (url: URL) => url },
      authorise: async (request: object) => ({ ...request, url: new URL(origin.url('/a')) }) as never,
    }
    await refused(own.get('s3://bucket/key', { provider }), /loopback/)
  })

  it('lets deny win over allow, and hold without the guard', async () => {
    const denied = await asker({ deny: [`127.0.0.1:${origin.port}`] })
    await refused(denied.get(origin.url('/a')), /--deny-upstream 127\.0\.0\.1:\d+ forbids/)
    const laptop = await asker({ guard: false, allow: [], deny: ['*.example'] }, { lookup: resolver(['127.0.0.1']) })
    assert.equal((await laptop.get(origin.url('/a'))).status, 200)
    assert.equal((await laptop.get(origin.url('/a', 'localhost'))).status, 200)
    await refused(laptop.get(origin.url('/a', 'a.example')), /--deny-upstream \*\.example/)
  })

  describe('at the socket', () => {
    let server: Server
    let received = 0

    beforeEach(async () => {
      received = 0
      server = createServer((socket) =>
        socket.on('data', (data) => (received += data.length)).on('error', () => undefined),
      )
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    afterEach(() => void server.close())

    for (const protocol of ['http:', 'https:']) {
      it(`looks at the address before a byte is written (${protocol})`, async () => {
        const checked: string[] = []
        const connect = guardedConnector({
          guard: {
            checkAddress: (address) => {
              checked.push(address)
              if (checked.length > 1) throw new KissError('upstream-forbidden', 'changed its mind')
            },
          },
          lookup: resolver(['127.0.0.1']),
        })
        const connection = once(server, 'connection') as Promise<Socket[]>
        const port = String((server.address() as AddressInfo).port)
        const error = await new Promise((resolve) =>
          connect({ hostname: 'a.example', host: 'a.example', protocol, port }, (...[error]) => resolve(error)),
        )
        assert.match(String(error), /changed its mind/)
        const [socket] = await connection
        if (!socket!.closed) await once(socket!, 'close')
        assert.deepEqual([checked, received], [['127.0.0.1', '127.0.0.1'], 0])
      })
    }
  })
})

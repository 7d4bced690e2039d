import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { FutureSelf, Self } from '#kiss/server/self.js'
import { Asker } from '../support/asking.js'
import { Origin, bytes } from '../support/origin.js'

/** As `kiss serve` is to its own engine, with the port of `origin`. */
function selfAt({ port }: Origin, serverNames: string[] = []): FutureSelf {
  const self = new FutureSelf()
  const options = { host: '127.0.0.1', address: '127.0.0.1', port, addresses: [], via: undefined }
  self.become(new Self({ ...options, serverNames }))
  return self
}

describe('an origin that leads back to the server that asks', () => {
  const body = bytes('loops', 1000)
  let kiss: Origin
  let origin: Origin
  const open: Asker[] = []

  beforeEach(async () => {
    ;[kiss, origin] = await Promise.all([Origin.start(), Origin.start({ host: '127.0.0.2' })])
    kiss.serve('/a', { body })
    origin.serve('/a', { body })
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    await Promise.all([kiss.close(), origin.close()])
  })

  async function asker(...options: Parameters<typeof Asker.open>): Promise<Asker> {
    const one = await Asker.open(...options)
    open.push(one)
    return one
  }

  async function isLoop(asking: Promise<unknown>, message: RegExp): Promise<void> {
    await assert.rejects(asking, (error) => {
      assert.ok(error instanceof KissError)
      assert.deepEqual([error.code, error.status], ['loop', 508])
      assert.match(error.message, message)
      return true
    })
    assert.equal(kiss.connections, 0)
  }

  it('by a redirect to its name or its address, allowed or not', async () => {
    for (const allow of [['127.0.0.0/8'], ['127.0.0.2']]) {
      const own = await asker({ allow, self: selfAt(kiss, ['kiss.example']) })
      for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost', 'localhost.', 'KISS.example']) {
        origin.script('/loop', [{ redirect: kiss.url('/a?token=secret', host) }])
        const where = origin.url('/loop').replaceAll('.', '\\.')
        const says = new RegExp(`^${where} redirects to http://[^ ?]+/a\\?…, which is this server itself$`)
        await isLoop(own.get(origin.url('/loop')), says)
      }
      origin.script('/loop', [{ redirect: 'https://kiss.example/api/v1/fetch?url=x' }])
      await isLoop(own.get(origin.url('/loop')), /which is this server itself$/)
    }
  })

  it('by a name that resolves to it, allowed or not', async () => {
    const lookup = (_name: string, _options: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    for (const allow of [['127.0.0.0/8'], ['127.0.0.2']]) {
      const own = await asker({ allow, self: selfAt(kiss) }, { lookup: lookup as never })
      const says = new RegExp(`^alias\\.example:${kiss.port} is this server itself, at 127\\.0\\.0\\.1$`)
      await isLoop(own.get(kiss.url('/a', 'alias.example')), says)
      origin.script('/loop', [{ redirect: kiss.url('/a', 'alias.example') }])
      await isLoop(own.get(origin.url('/loop')), says)
    }
  })

  it('by what a provider makes of a URL', async () => {
    const own = await asker({ self: selfAt(kiss) })
    const provider = {
      ...{ name: 's3', priority: 1, matches: () => true, cacheKey: (url: URL) => url },
      authorise: async (request: object) => ({ ...request, url: new URL(kiss.url('/a')) }) as never,
    }
    await isLoop(own.get('s3://bucket/key', { provider }), /names this server itself$/)
  })

  it('through somebody who stands between: then a cache says so on the way', async () => {
    const own = await asker({ self: selfAt(kiss) })
    for (const status of ['kiss; detail=loop', 'proxy; fwd=miss, kiss; detail=loop']) {
      origin.script('/loop', [{ status: 508, extra: { 'cache-status': status } }])
      await isLoop(own.get(origin.url('/loop')), /\/loop leads back to where it was asked for$/)
    }
    for (const extra of [{}, { 'cache-status': 'other; detail=loop' }, { 'cache-status': 'kiss; detail=quota' }]) {
      origin.script('/other', [{ status: 508, extra }])
      assert.equal((await own.get(origin.url('/other'))).status, 508)
    }
  })

  it('unless it is a mirror, which is passed over', async () => {
    const mirrors = [{ match: origin.url('/'), to: [kiss.url('/')] }]
    const own = await asker({ self: selfAt(kiss), mirrors })
    assert.equal((await own.get(origin.url('/a'))).source, undefined)
    assert.equal(kiss.connections, 0)
  })

  it('is another server where only the port or the path is another', async () => {
    const own = await asker({ self: selfAt(kiss, ['127.0.0.2']) })
    assert.deepEqual((await own.get(origin.url('/a'))).body, body)
    const before = await asker({ self: new FutureSelf() })
    assert.deepEqual((await before.get(kiss.url('/a'))).body, body)
  })
})

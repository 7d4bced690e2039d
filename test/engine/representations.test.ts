import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fetchAll, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'

describe('a passed Accept', () => {
  const engines = testEngines()
  const json = Buffer.from('{"name": "asset"}')
  const binary = bytes('asset', 40_000)
  let origin: Origin
  beforeEach(async () => {
    origin = await Origin.start()
    const handler = ({ headers }: IncomingMessage, response: ServerResponse): void => {
      const isBinary = headers.accept === 'application/octet-stream'
      response.writeHead(200, { vary: 'Accept', etag: isBinary ? '"binary"' : '"json"' })
      response.end(isBinary ? binary : json)
    }
    origin.script('/asset', [{ handler }])
  })
  afterEach(() => origin.close())
  const octets = { headers: { accept: 'application/octet-stream' } }

  it('chooses a representation with a key of its own, which is public', async () => {
    const kiss = await engines.engine()
    for (const as of ['miss', 'hit']) {
      const chosen = await fetchAll(kiss, origin.url('/asset'), octets)
      assert.deepEqual([chosen.as, chosen.artifact.private, chosen.body.equals(binary)], [as, false, true])
      const plain = await fetchAll(kiss, origin.url('/asset'))
      assert.deepEqual([plain.as, plain.body.equals(json)], [as, true])
    }
    assert.equal(origin.log('/asset').length, 2)
  })

  it('that takes anything is the same request as one without', async () => {
    const kiss = await engines.engine()
    await fetchAll(kiss, origin.url('/asset'), { headers: { accept: '*/*' } })
    assert.equal((await fetchAll(kiss, origin.url('/asset'))).as, 'hit')
    assert.equal(origin.log('/asset').length, 1)
  })

  it('stays with the request after a redirect to another host', async () => {
    const kiss = await engines.engine()
    origin.script('/api', [{ redirect: origin.url('/asset', 'localhost') }])
    const chosen = await fetchAll(kiss, origin.url('/api'), octets)
    assert.ok(chosen.body.equals(binary))
  })

  it('is not asked of a mirror, which keeps one representation of each URL', async () => {
    const mirror = await Origin.start()
    mirror.serve('/asset', { body: json })
    const upstream = { guard: false, env: {}, mirrors: [{ match: origin.url('/**'), to: [mirror.url('/')] }] }
    const kiss = await engines.engine({ upstream })
    assert.ok((await fetchAll(kiss, origin.url('/asset'), octets)).body.equals(binary))
    assert.equal(mirror.requests.length, 0)
    await mirror.close()
  })

  it('leaves no representation behind when its URL is purged', async () => {
    const kiss = await engines.engine()
    await fetchAll(kiss, origin.url('/asset'), octets)
    await fetchAll(kiss, origin.url('/asset'))
    assert.equal((await kiss.purge({ urls: [new URL(origin.url('/asset'))] })).removed, 2)
    assert.equal((await kiss.status()).entries, 0)
  })
})

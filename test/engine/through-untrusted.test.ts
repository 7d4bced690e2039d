import assert from 'node:assert/strict'
import { ThroughServers } from '#kiss/engine/through-servers.js'
import { HastyClock } from '../support/engine.js'
import { AS_KISS, Origin } from '../support/origin.js'
import { makeCertificates, type Certificates } from '../support/tls.js'

describe('a kiss server that cannot be trusted', () => {
  let certificates: Certificates
  let untrusted: Origin
  let down: string
  before(async () => {
    certificates = await makeCertificates()
    untrusted = await Origin.start({ tls: certificates, extra: AS_KISS })
    const closed = await Origin.start()
    down = closed.url('/')
    await closed.close()
  })
  after(async () => {
    await untrusted.close()
    await certificates.remove()
  })

  it('ends the fetch, whether another server is down before or behind it', async () => {
    for (const servers of [
      [untrusted.url('/'), down],
      [down, untrusted.url('/')],
    ]) {
      const through = new ThroughServers({
        servers: servers.map((url) => new URL(url)),
        upstream: { guard: false },
        retryFor: 1_000,
        clock: new HastyClock(),
        local: () => assert.fail('the local cache is asked'),
        note: () => undefined,
      })
      await assert.rejects(through.fetch({ url: new URL('https://origin.example/f') }), {
        code: 'origin-unreachable',
        hint: /--ca-file/,
      })
      await through.close()
    }
    assert.equal(untrusted.log().length, 0)
  })
})

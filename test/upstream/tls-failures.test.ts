import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { readArtifact, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'
import { makeCertificates, type Certificates } from '../support/tls.js'

/** RFC 8446 §6. */
const ALERTS = { internalError: 80, handshakeFailure: 40 }

describe('an origin whose TLS fails', () => {
  const engines = testEngines()
  const body = bytes('tls', 1000)
  let certificates: Certificates
  let origin: Origin
  let front: Server | undefined
  before(async () => {
    certificates = await makeCertificates()
    origin = await Origin.start({ tls: certificates })
    origin.serve('/f', { body })
  })
  after(async () => {
    await origin.close()
    await certificates.remove()
  })
  afterEach(() => front?.close())

  /** Answers the first `count` connections by a fatal alert, and leads the others to the origin. */
  async function failing(alert: number, count: number): Promise<{ readonly url: URL; readonly opened: () => number }> {
    let opened = 0
    front = createServer((socket) => {
      socket.on('error', () => undefined)
      if (++opened > count) return void socket.pipe(connect(origin.port, '127.0.0.1')).pipe(socket)
      socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, alert])))
    })
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const { port } = front.address() as AddressInfo
    return { url: new URL(`https://127.0.0.1:${port}/f`), opened: () => opened }
  }

  it('is asked again after an internal error of it', async () => {
    const { url, opened } = await failing(ALERTS.internalError, 2)
    const engine = await engines.engine({ upstream: { guard: false, env: {}, caFile: certificates.caFile } })
    assert.ok((await readArtifact(await engine.fetch({ url }))).equals(body))
    assert.equal(opened(), 3)
  })

  it('is given up at once where the two have nothing in common, and the message has the reason alone', async () => {
    const { url, opened } = await failing(ALERTS.handshakeFailure, 2)
    const engine = await engines.engine({ upstream: { guard: false, env: {}, caFile: certificates.caFile } })
    await assert.rejects(engine.fetch({ url }), {
      code: 'origin-unreachable',
      message: /^cannot fetch https:\S+: TLS failed: [^:]*handshake failure$/,
    })
    assert.equal(opened(), 1)
  })
})

/** Origins that break HTTP/1.1 in ways that curl and wget can read. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Leniency } from '#kiss/upstream/leniency.js'
import { Asker } from '../support/asking.js'
import { faultLab, getUrl } from '../flight/faults/lab.js'
import { Proxy } from '../support/proxy.js'
import { makeCertificates, type Certificates } from '../support/tls.js'

const BODY = 'hello, this is the artifact'
const N = BODY.length
const LENGTH = `Content-Length: ${N}`
const CHUNK = N.toString(16)

/** What the origin sends, whatever it is asked. */
const ANSWERS: Readonly<Record<string, string>> = {
  'a 100 Continue that nobody asked for': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n${BODY}`,
  'two of them': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Go on\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n${BODY}`,
  'two equal Content-Length': `HTTP/1.1 200 OK\r\n${LENGTH}\r\n${LENGTH}\r\n\r\n${BODY}`,
  'a list of equal lengths': `HTTP/1.1 200 OK\r\n${LENGTH}, ${N}\r\n\r\n${BODY}`,
  'a folded header': `HTTP/1.1 200 OK\r\nX-Long: one\r\n  two\r\n${LENGTH}\r\n\r\n${BODY}`,
  'a folded header of nothing but its fold': `HTTP/1.1 200 OK\r\nX-Long:\r\n\ttwo\r\n${LENGTH}\r\n\r\n${BODY}`,
  'lines that end in LF': `HTTP/1.1 200 OK\n${LENGTH}\n\n${BODY}`,
  'chunks whose lines end in LF': `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n${CHUNK}\n${BODY}\n0\n\n`,
  'blanks after the size of a chunk': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}   \r\n${BODY}\r\n0 \r\n\r\n`,
  'a length beside chunks': `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}\r\n${BODY}\r\n0\r\n\r\n`,
  'a blank before the colon': `HTTP/1.1 200 OK\r\nContent-Length : ${N}\r\n\r\n${BODY}`,
  'a control character in a header': `HTTP/1.1 200 OK\r\nX: a\x01b\r\n${LENGTH}\r\n\r\n${BODY}`,
  'a line without a colon': `HTTP/1.1 200 OK\r\nnonsense\r\n${LENGTH}\r\n\r\n${BODY}`,
  'a name with a blank': `HTTP/1.1 200 OK\r\nX Powered By: y\r\n${LENGTH}\r\n\r\n${BODY}`,
  'an identity coding': `HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\n${LENGTH}\r\n\r\n${BODY}`,
  'a 102 without fields and a 103 before such an answer': `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length : ${N}\r\n\r\n${BODY}`,
  'a version of its own': `HTTP/1.2 200 OK\r\n${LENGTH}\r\n\r\n${BODY}`,
}

describe('an origin that breaks HTTP and that curl can read', () => {
  const lab = faultLab()
  const servers: Server[] = []
  afterEach(() => servers.splice(0).forEach((server) => server.close()))

  /** Sends this to every connection once it was asked something, in pieces of so many bytes; counts what it was asked. */
  async function sending(
    answer: string,
    tls?: Pick<Certificates, 'key' | 'cert'>,
  ): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = []
    const serve = (socket: Socket): void => {
      socket.on('error', () => undefined)
      socket.once('data', (request) => {
        asked.push(request.toString('latin1'))
        socket.end(Buffer.from(answer, 'latin1'))
      })
    }
    const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/a`,
      asked,
    }
  }

  it('is read to its end when its connection has ended before the download has taken all of it', async () => {
    const large = 'x'.repeat(900_000)
    const { url } = await sending(`HTTP/1.1 200 OK\r\nnonsense\r\nConnection: close\r\n\r\n${large}`)
    const kiss = await lab.engine({ upstream: { guard: false, env: {}, maxRate: 4_000_000 } })
    const got = await getUrl(kiss, url)
    assert.deepEqual([got.code, got.body.toString('latin1') === large], [undefined, true])
  })

  for (const [what, answer] of Object.entries(ANSWERS)) {
    it(`is read leniently, and the operator is told: ${what}`, async () => {
      const { url, asked } = await sending(answer)
      const warnings: string[] = []
      const kiss = await lab.engine({ upstream: { guard: false, env: {}, warn: (line) => warnings.push(line) } })
      const got = await getUrl(kiss, url)
      assert.deepEqual([got.body.toString('latin1'), got.code], [BODY, undefined])
      assert.ok(asked.length <= 3, String(asked.length))
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', /^127\.0\.0\.1:\d+ breaks HTTP\/1\.1 \(.*\); its answers are read leniently/)
      // The next artifact of this origin is asked for once.
      const before = asked.length
      await getUrl(kiss, `${url}b`)
      assert.deepEqual([asked.length, warnings.length], [before + 1, 1])
    })
  }

  it('is not read where its lengths differ, nor where it is no HTTP at all', async () => {
    const unreadable = [
      `HTTP/1.1 200 OK\r\n${LENGTH}\r\nContent-Length: 5\r\n\r\n${BODY}`,
      'SSH-2.0-OpenSSH_9.6\r\n',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n${BODY}\r\n0\r\n\r\n`,
    ]
    for (const answer of unreadable) {
      const { url } = await sending(answer)
      const got = await getUrl(await lab.engine({ retryFor: 1_000 }), url)
      assert.equal(got.status, 502)
    }
  })

  it('is read through the tunnel of a proxy, too, with the certificates of the settings', async () => {
    const certificates = await makeCertificates()
    const { url, asked } = await sending(ANSWERS['a folded header'] ?? '', certificates)
    const proxy = await Proxy.start()
    const asker = await Asker.open({ env: { https_proxy: proxy.url() }, caFile: certificates.caFile })
    try {
      assert.equal((await asker.get(url)).body.toString(), BODY)
      assert.deepEqual([asked.length, proxy.asked.map(({ method }) => method)], [2, ['CONNECT', 'CONNECT']])
    } finally {
      await asker.close()
      await proxy.close()
      await certificates.remove()
    }
  })

  it('is asked only where the address guard allows', async () => {
    const { url } = await sending(ANSWERS['a folded header'] ?? '')
    const asker = await Asker.open({ allow: [] })
    await assert.rejects(asker.get(url), { code: 'upstream-forbidden' })
    await asker.close()
  })

  it('is read however its bytes are cut', () => {
    for (const answer of Object.values(ANSWERS)) {
      const bytes = Buffer.from(answer, 'latin1')
      const whole = Buffer.concat(new Leniency().take(bytes)).toString('latin1')
      const leniency = new Leniency()
      const pieces = Array.from(bytes, (byte) => Buffer.concat(leniency.take(Buffer.of(byte))))
      assert.equal(Buffer.concat(pieces).toString('latin1'), whole)
    }
  })
})

import assert from 'node:assert/strict'
import { proxyErrorIn, reasonOf, systemCode } from '#kiss/errors.js'
import { Asker } from '../support/asking.js'
import { Origin, bytes } from '../support/origin.js'
import { Proxy } from '../support/proxy.js'
import { makeCertificates, type Certificates } from '../support/tls.js'

const body = bytes('proxy', 100_000)

/** Checks an error that names this proxy. */
function isOf(proxy: Proxy, code: string, says: string): (error: unknown) => true {
  const expected = `the proxy ${proxy.url()}/ ${says}`
  return (error) => {
    assert.equal(proxyErrorIn(error)?.message, expected)
    assert.equal(reasonOf(error), expected)
    assert.equal(systemCode(error), code)
    return true
  }
}

describe('origins behind a proxy', () => {
  let certificates: Certificates
  let bare: Origin
  let secure: Origin
  let proxy: Proxy
  const open: Asker[] = []

  async function asker(...options: Parameters<typeof Asker.open>): Promise<Asker> {
    const one = await Asker.open(...options)
    open.push(one)
    return one
  }

  before(async () => {
    certificates = await makeCertificates()
    bare = await Origin.start()
    secure = await Origin.start({ tls: certificates })
    for (const origin of [bare, secure]) origin.serve('/a', { body })
  })
  beforeEach(async () => {
    proxy = await Proxy.start()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    await proxy.close()
  })
  after(async () => {
    await bare.close()
    await secure.close()
    await certificates.remove()
  })

  it('asks for http as a request and for https through a tunnel, with the proxy’s own credential', async () => {
    const url = proxy.url('user:pa%20ss@')
    const own = await asker({ env: { HTTP_PROXY: url, HTTPS_PROXY: url }, caFile: certificates.caFile })
    assert.deepEqual((await own.get(bare.url('/a'))).body, body)
    assert.deepEqual((await own.get(secure.url('/a'))).body, body)
    const authorization = `Basic ${btoa('user:pa ss')}`
    assert.deepEqual(proxy.asked, [
      { method: 'GET', target: bare.url('/a'), authorization },
      { method: 'CONNECT', target: `127.0.0.1:${secure.port}`, authorization },
    ])
    for (const origin of [bare, secure]) assert.equal(origin.log('/a')[0]!.headers['proxy-authorization'], undefined)
  })

  it('takes lower-case names, a proxy without scheme, and NO_PROXY', async () => {
    const env = { http_proxy: proxy.url().slice('http://'.length), no_proxy: 'localhost,.example' }
    const own = await asker({ env })
    await own.get(bare.url('/a'))
    await own.get(bare.url('/a', 'localhost'))
    assert.deepEqual(
      proxy.asked.map(({ target }) => target),
      [bare.url('/a')],
    )
  })

  it('uses no proxy that it was not handed', async () => {
    await (await asker({ env: {} })).get(bare.url('/a'))
    assert.equal(proxy.asked.length, 0)
  })

  it('runs several downloads at once through it', async () => {
    const own = await asker({ env: { HTTP_PROXY: proxy.url() } })
    const answers = await Promise.all([own.ask(bare.url('/a')), own.ask(bare.url('/a'))])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    await Promise.all(answers.map((answer) => answer.discard()))
  })

  it('checks literal addresses and names, and leaves resolving to the proxy', async () => {
    const env = { HTTP_PROXY: proxy.url() }
    const own = await asker({ env, allow: [], deny: ['denied.example'] })
    for (const host of ['127.0.0.1', '2130706433', '[::1]', 'localhost', 'denied.example', '169.254.169.254']) {
      await assert.rejects(own.get(bare.url('/a', host)), { code: 'upstream-forbidden' }, host)
    }
    assert.equal(proxy.asked.length, 0)
  })

  it('takes ALL_PROXY where the scheme has none of its own, and CIDRs in NO_PROXY', async () => {
    const own = await asker({ env: { ALL_PROXY: proxy.url() } })
    await own.get(bare.url('/a'))
    assert.equal(proxy.asked.length, 1)
    for (const noProxy of ['10.0.0.0/8, 127.0.0.0/8', '127.0.0.1/32']) {
      const past = await asker({ env: { HTTP_PROXY: proxy.url(), NO_PROXY: noProxy } })
      assert.deepEqual((await past.get(bare.url('/a'))).body, body)
    }
    assert.equal(proxy.asked.length, 1, 'what NO_PROXY names goes past the proxy')
    const through = await asker({ env: { HTTP_PROXY: proxy.url(), NO_PROXY: '10.0.0.0/8, 127.0.0.2/32' } })
    await through.get(bare.url('/a'))
    assert.equal(proxy.asked.length, 2)
  })

  it('refuses a SOCKS proxy in one line', async () => {
    for (const name of ['ALL_PROXY', 'https_proxy']) {
      await assert.rejects(Asker.open({ env: { [name]: 'socks5h://user:secret@127.0.0.1:1080' } }), {
        code: 'configuration',
        message: `${name.toUpperCase()} names a SOCKS proxy, which kiss does not speak`,
      })
    }
  })

  it('guards what goes past it by NO_PROXY', async () => {
    const env = { HTTP_PROXY: proxy.url(), NO_PROXY: 'inside.example' }
    const lookup = (_name: string, _options: object, found: (error: null, all: object[]) => void) =>
      found(null, [{ address: '127.0.0.1', family: 4 }])
    const own = await asker({ env, allow: [] }, { lookup: lookup as never })
    await assert.rejects(own.get(bare.url('/a', 'inside.example')), { code: 'upstream-forbidden' })
  })

  it('ends at once with the name of the proxy when it asks for a credential or refuses for good', async () => {
    await proxy.close()
    for (const [status, says] of [
      [407, /^the proxy http:\/\/127\.0\.0\.1:\d+\/ asks for a credential$/],
      [403, /^the proxy http:\/\/127\.0\.0\.1:\d+\/ answered 403 to CONNECT$/],
    ] as const) {
      proxy = await Proxy.start(status)
      const own = await asker({ env: { HTTP_PROXY: proxy.url(), HTTPS_PROXY: proxy.url('user:secret@') } })
      await assert.rejects(own.get(secure.url('/a')), { code: 'configuration', exit: 2, message: says })
      if (status === 407) await assert.rejects(own.get(bare.url('/a')), { code: 'configuration', message: says })
      await proxy.close()
    }
    proxy = await Proxy.start(503)
    const own = await asker({ env: { HTTPS_PROXY: proxy.url() } })
    await assert.rejects(own.get(secure.url('/a')), isOf(proxy, 'UND_ERR_ABORTED', 'answered 503 to CONNECT'))
  })

  it('names a proxy that cannot be reached, and keeps the system code', async () => {
    const env = { HTTP_PROXY: proxy.url(), HTTPS_PROXY: proxy.url() }
    const dead = isOf(proxy, 'ECONNREFUSED', 'cannot be reached: the connection was refused')
    await proxy.close()
    const own = await asker({ env })
    for (const origin of [bare, secure]) await assert.rejects(own.get(origin.url('/a')), dead)
    proxy = await Proxy.start()
  })

  it('leaves mirrors alone while the proxy on the way to them cannot be reached', async () => {
    const env = { HTTP_PROXY: proxy.url(), NO_PROXY: 'localhost' }
    await proxy.close()
    const told: string[] = []
    const mirrors = [{ match: bare.url('/', 'localhost'), to: [bare.url('/mirror/')] }]
    const own = await asker({ env, mirrors, warn: (line) => void told.push(line) })
    assert.deepEqual((await own.get(bare.url('/a', 'localhost'))).body, body)
    assert.deepEqual(told, [`the mirror ${bare.url('/mirror/')} is down (ECONNREFUSED); asking it again in 10 s`])
    proxy = await Proxy.start()
  })

  it('refuses a setting that is no proxy, without showing it', async () => {
    for (const value of ['socks5://user:secret@host', 'http://user:secret@:x', 'ftp://secret']) {
      await assert.rejects(Asker.open({ env: { HTTPS_PROXY: value } }), (error: Error) => {
        assert.equal((error as NodeJS.ErrnoException).code, 'configuration')
        assert.match(error.message, /^HTTPS_PROXY /)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    }
  })
})

import assert from 'node:assert/strict'
import type { ProviderContext, UpstreamAnswer, UpstreamProvider, UpstreamRequest } from '#kiss/provider/types.js'
import { Asker, plain } from '../support/asking.js'
import { Origin, bytes, latch } from '../support/origin.js'

const body = bytes('hops', 1000)
const secrets = { authorization: 'Bearer t1', 'private-token': 't2', cookie: 't3', 'x-own': 't4' }

describe('redirects of the upstream client', () => {
  let origin: Origin
  let other: Origin
  let asker: Asker

  beforeEach(async () => {
    origin = await Origin.start()
    other = await Origin.start()
    asker = await Asker.open()
  })
  afterEach(async () => {
    await asker.close()
    await origin.close()
    await other.close()
  })

  it('follows them with method, range and validators', async () => {
    origin.script('/a', [{ redirect: '/b?x=1', status: 301 }])
    origin.script('/b', [{ redirect: other.url('/c'), status: 303 }])
    other.serve('/c', { body, etag: '"1"' })
    const got = await asker.get(origin.url('/a'), { headers: { range: 'bytes=10-', 'if-range': '"1"' } })
    assert.deepEqual([got.status, got.headers['content-range']], [206, 'bytes 10-999/1000'])
    assert.deepEqual(got.body, body.subarray(10))
    const head = await asker.get(origin.url('/a'), { method: 'HEAD' })
    assert.equal(head.headers['content-length'], '1000')
    assert.deepEqual(
      other.log('/c').map(({ method }) => method),
      ['GET', 'HEAD'],
    )
    assert.equal(origin.log('/b')[0]!.path, '/b?x=1')
  })

  it('shows no passed header to another origin, nor after the way back', async () => {
    origin.script('/a', [{ redirect: '/b' }])
    origin.script('/b', [{ redirect: other.url('/c') }])
    other.script('/c', [{ redirect: origin.url('/d') }])
    origin.serve('/d', { body })
    const headers = { ...secrets, 'if-none-match': '"x"' }
    assert.equal((await asker.get(origin.url('/a'), { headers, clientCredential: true })).status, 200)
    for (const path of ['/a', '/b']) assert.equal(origin.log(path)[0]!.headers['private-token'], 't2', path)
    for (const { headers } of [...other.log('/c'), ...origin.log('/d')]) {
      assert.doesNotMatch(JSON.stringify(headers), /t1|t2|t3|t4/)
      assert.equal(headers['if-none-match'], '"x"')
    }
  })

  it('sends userinfo as Basic, never in a URL, and to its own origin only', async () => {
    const authorization = `Basic ${btoa('user:pa ss')}`
    origin.script('/a', [{ redirect: '/b', requires: { authorization } }])
    origin.script('/b', [{ redirect: other.url('/c'), requires: { authorization } }])
    other.serve('/c', { body })
    const url = origin.url('/a').replace('//', '//user:pa%20ss@')
    assert.equal((await asker.get(url)).status, 200)
    assert.equal(other.log('/c')[0]!.headers.authorization, undefined)
    assert.equal(origin.log('/a')[0]!.headers.host, `127.0.0.1:${origin.port}`)
  })

  it('ends circles and endless chains', async () => {
    origin.script('/a', [{ redirect: '/b' }])
    origin.script('/b', [{ redirect: '/a' }])
    await assert.rejects(asker.get(origin.url('/a')), { code: 'origin-failed', status: 508 })
    for (let n = 0; n < 11; n++) origin.script(`/${n}`, [{ redirect: `/${n + 1}` }])
    origin.serve('/10', { body })
    assert.equal((await asker.get(origin.url('/0'))).status, 200)
    origin.script('/10', [{ redirect: '/11' }])
    await assert.rejects(asker.get(origin.url('/0')), { code: 'origin-failed' })
    assert.equal(origin.log('/11').length, 0)
  })

  it('gives 3xx answers that are no redirects as they are', async () => {
    origin.script('/a', [{ status: 302 }, { status: 300, headers: { location: '/b' } }])
    assert.equal((await asker.get(origin.url('/a'))).status, 302)
    assert.equal((await asker.get(origin.url('/a'))).status, 300)
  })

  it('begins every call at the URL that was asked for', async () => {
    origin.script('/a', [
      { redirect: other.url('/1'), status: 301 },
      { redirect: other.url('/2'), status: 301 },
    ])
    for (const path of ['/1', '/2']) other.serve(path, { body })
    await asker.get(origin.url('/a'))
    await asker.get(origin.url('/a'))
    assert.deepEqual(
      other.log().map(({ path }) => path),
      ['/1', '/2'],
    )
  })

  describe('with a provider', () => {
    it('asks it to authorise every hop, and forgets what it added to the one before', async () => {
      const asked: (UpstreamRequest & ProviderContext)[] = []
      const provider: UpstreamProvider = {
        ...plain,
        authorise: async (request, context) => {
          asked.push({ ...request, ...context })
          if (context.hop > 0) return request
          const url = new URL(origin.url('/signed?signature=1'))
          return { ...request, url, headers: { ...request.headers, 'X-Server-Token': 'secret' } }
        },
      }
      origin.script('/signed', [{ redirect: other.url('/c') }])
      other.serve('/c', { body })
      const headers = { range: 'bytes=1-' }
      assert.equal((await asker.get('s3://bucket/key', { provider, headers })).status, 206)
      assert.deepEqual(
        asked.map(({ url, hop, asked, method, clientCredential, headers }) => [
          ...[url.href, hop, asked.href, method, clientCredential, headers],
        ]),
        [
          ['s3://bucket/key', 0, 's3://bucket/key', 'GET', false, headers],
          [other.url('/c'), 1, 's3://bucket/key', 'GET', false, headers],
        ],
      )
      assert.equal(origin.log('/signed')[0]!.headers['x-server-token'], 'secret')
      assert.equal(other.log('/c')[0]!.headers['x-server-token'], undefined)
    })

    it('reports what it throws as a credential that could not be made', async () => {
      const provider: UpstreamProvider = {
        ...plain,
        name: 's3',
        authorise: () => Promise.reject(new Error('no profile')),
      }
      await assert.rejects(asker.get(origin.url('/a'), { provider }), {
        code: 'credential',
        exit: 7,
        message: 's3: no profile',
      })
      assert.equal(origin.log().length, 0)
    })

    it('reports a token that is no header value, without showing it', async () => {
      const authorise = async (request: UpstreamRequest) => ({ ...request, headers: { Authorization: 'secret\n' } })
      const provider: UpstreamProvider = { ...plain, name: 'gitlab', authorise }
      const message = 'gitlab: the header authorization has a value that HTTP does not allow'
      await assert.rejects(asker.get(origin.url('/a'), { provider }), { code: 'credential', message })
    })

    it('does not wait for one that never answers', async () => {
      const provider: UpstreamProvider = { ...plain, authorise: () => new Promise(() => undefined) }
      const timing = { provider, headersTimeout: 50 }
      await assert.rejects(asker.get(origin.url('/a'), timing), { code: 'UND_ERR_HEADERS_TIMEOUT' })
    })

    it('refuses a scheme that it leaves as it is', async () => {
      await assert.rejects(asker.get('s3://bucket/key?sig=secret'), (error: Error) => {
        assert.equal((error as NodeJS.ErrnoException).code, 'unsupported-scheme')
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })

    it('lets it refuse a redirect or a page, and gives it no other answer', async () => {
      const seen: UpstreamAnswer[] = []
      const provider: UpstreamProvider = {
        ...plain,
        refuse: (answer) => {
          seen.push(answer)
          const target = answer.headers['location'] ?? answer.headers['content-type'] ?? ''
          return /sign_in|html/.test(target) ? 'a sign-in page' : undefined
        },
      }
      const refused = { code: 'origin-refused', status: 403, exit: 3, message: `${origin.url('/a')}: a sign-in page` }
      origin.script('/a', [{ redirect: '/sign_in' }, { body, type: 'text/html' }, { redirect: '/b' }, { status: 404 }])
      origin.script('/b', [{ body }])
      await assert.rejects(asker.get(origin.url('/a'), { provider }), refused)
      await assert.rejects(asker.get(origin.url('/a'), { provider }), refused)
      assert.equal((await asker.get(origin.url('/a'), { provider })).status, 200)
      assert.equal((await asker.get(origin.url('/a'), { provider })).status, 404)
      assert.deepEqual(
        seen.map(({ hop, status }) => [hop, status]),
        [
          [0, 302],
          [0, 200],
          [0, 302],
          [1, 200],
        ],
      )
      assert.equal(origin.log('/sign_in').length, 0)
    })

    it('stops asking when the request is aborted', async () => {
      const started = latch()
      const provider: UpstreamProvider = {
        ...plain,
        authorise: () => {
          started.open()
          return new Promise(() => undefined)
        },
      }
      const gone = new AbortController()
      const asking = asker.get(origin.url('/a'), { provider, signal: gone.signal })
      await started.opened
      gone.abort(new Error('gone'))
      await assert.rejects(asking, /gone/)
    })
  })
})

import assert from 'node:assert/strict'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { get, open, readAll } from '../server/support/client.js'

describe('the headers that kiss serve passes on', () => {
  const body = bytes('headers', 60_000)
  let kiss: Serving
  // Before the directory of the server is removed.
  afterEach(() => kiss.stop())
  const cli = commandLine()
  beforeEach(async () => {
    cli.origin.serve('/a', { body, etag: '"v1"' })
    kiss = await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.0/8'])
  })

  it('kiss serve passes on no header of an origin that could harm a client', async () => {
    const extra = {
      'set-cookie': 'session=1',
      'strict-transport-security': 'max-age=1',
      'access-control-allow-origin': '*',
      'clear-site-data': '"*"',
      'content-disposition': 'inline; filename="../../evil"',
      refresh: '0; url=http://evil.example/',
      link: '<http://evil.example/>; rel=preload',
      'x-custom': 'custom',
      'cache-control': 'public',
    }
    cli.origin.serve('/a', { body, type: 'text/html', extra })
    for (const round of ['downloaded', 'stored']) {
      const { headers } = await kiss.fetch(cli.origin.url('/a'))
      for (const name of Object.keys(extra).filter((name) => !/^(content-disposition|cache-control)$/.test(name)))
        assert.equal(headers[name], undefined, `${name}, ${round}`)
      assert.deepEqual(
        ['content-disposition', 'x-content-type-options', 'content-security-policy', 'content-type'].map(
          (name) => headers[name],
        ),
        ['attachment; filename="a"', 'nosniff', 'sandbox', 'text/html'],
      )
    }
    const named = await readAll(
      await open(
        `${kiss.url}api/v1/fetch/${encodeURIComponent('ü"\r\nX: y/../z')}?url=${encodeURIComponent(cli.origin.url('/a'))}`,
      ),
    )
    assert.deepEqual([named.status, named.headers['x']], [200, undefined])
    assert.match(
      String(named.headers['content-disposition']),
      /^attachment; filename="[^"\\/]+"; filename\*=UTF-8''[\w.%]+$/,
    )
  })

  it('kiss serve passes no client header on that claims an address or overrides method or URL', async () => {
    const headers = {
      'X-Forwarded-For': '10.1.1.1',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'for=10.1.1.1',
      'X-HTTP-Method-Override': 'DELETE',
      'X-Original-URL': '/evil',
      'Accept-Encoding': 'gzip',
      Expect: '100-continue',
      TE: 'trailers',
      'X-Kiss-Token': 'ours',
      Cookie: 'mine=1',
      'X-Wanted': 'yes',
      'X-Hop': 'no',
      Connection: 'close, X-Hop',
    }
    const all = Object.keys(headers).join(',')
    const answer = await get(`${kiss.fetchUrl(cli.origin.url('/a'))}&passheaders=${all}`, { headers })
    assert.equal(answer.status, 200)
    const seen = cli.origin.requests[0]?.headers ?? {}
    for (const name of Object.keys(headers).map((name) => name.toLowerCase())) {
      if (/^(x-wanted|cookie)$/.test(name)) assert.ok(name in seen, name)
      else if (name === 'accept-encoding') assert.equal(seen[name], 'identity')
      else if (name === 'connection') assert.doesNotMatch(String(seen[name]), /hop/i)
      else assert.ok(!(name in seen), name)
    }
  })
})

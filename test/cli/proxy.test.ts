import assert from 'node:assert/strict'
import { commandLine } from '../support/command-line.js'
import { Proxy } from '../support/proxy.js'
import { Serving } from '../support/serving.js'

describe('a proxy that asks for a credential', () => {
  const cli = commandLine()
  let proxy: Proxy
  beforeEach(async () => {
    proxy = await Proxy.start(407)
  })
  afterEach(() => proxy.close())

  for (const scheme of ['http', 'https'] as const) {
    it(`ends a kiss fetch of ${scheme} at once with exit code 2, and is named`, async () => {
      const env = { HTTP_PROXY: proxy.url('user:secret@'), HTTPS_PROXY: proxy.url('user:secret@') }
      const { code, stdout, stderr } = await cli.sandbox.run(['fetch', `${scheme}://artifacts.example/a`], { env })
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(
        stderr,
        /^kiss: [^\n]*the proxy http:\/\/127\.0\.0\.1:\d+\/ asks for a credential[^\n]*\n(kiss: )?[^\n]*\n?$/,
      )
      assert.ok(stderr.includes(proxy.url()) && !stderr.includes('secret'), stderr)
      assert.equal(proxy.asked.length, 1)
    })
  }

  it('is named by kiss serve, which does not ask it again for that request', async () => {
    const kiss = await Serving.start(cli.sandbox, [], { env: { HTTPS_PROXY: proxy.url() } })
    try {
      const { status, text } = await kiss.fetch('https://artifacts.example/a')
      assert.equal(status, 500)
      assert.match(text, /the proxy http:\/\/127\.0\.0\.1:\d+\/ asks for a credential[^]*"code":"configuration"/)
      assert.equal(proxy.asked.length, 1)
    } finally {
      await kiss.stop()
    }
  })
})

describe('a proxy that cannot be reached', () => {
  const cli = commandLine()

  it('is named by kiss fetch, and the command without it works at once', async () => {
    cli.origin.serve('/a', { body: Buffer.from('around the proxy') })
    const args = ['fetch', '--retry-for', '100ms', '-o', '-', cli.origin.url('/a')]
    const env = { ALL_PROXY: 'http://user:secret@127.0.0.1:1' }
    const refused = await cli.sandbox.run(args, { env })
    assert.deepEqual([refused.code, refused.stdout], [4, ''])
    assert.match(refused.stderr, /: the proxy http:\/\/127\.0\.0\.1:1\/ cannot be reached: the connection was refused/)
    assert.equal(refused.stderr.includes('secret'), false)
    const around = await cli.sandbox.run(args, { env: { ...env, NO_PROXY: 'example.com, 127.0.0.0/8' } })
    assert.deepEqual([around.code, around.stdout], [0, 'around the proxy'])
  })
})

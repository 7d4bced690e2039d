import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { listening } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes, latch } from '../support/origin.js'
import { until } from '../support/until.js'

/** Over a connection of its own: those that idle are closed when draining begins. */
async function health(server: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${server}api/v1/health/`, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}

describe('kiss serve', () => {
  const body = bytes('serve', 50_000)
  const cli = commandLine()
  beforeEach(() => {
    cli.origin.serve('/a', { body })
  })
  const fetchUrl = (server: string, name: string): string =>
    `${server}api/v1/fetch?url=${encodeURIComponent(cli.origin.url(name))}`

  it('prints its URL first, serves what it fetched once, and shares the cache with kiss fetch', async () => {
    const running = cli.sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8'])
    const server = await listening(running)
    assert.match(server, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/$/)
    const answer = await fetch(fetchUrl(server, '/a'))
    assert.deepEqual([answer.status, Buffer.from(await answer.arrayBuffer())], [200, body])
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/a')])).stdout.startsWith('hit '), true)
    running.child.kill('SIGTERM')
    const { code, stdout, stderr } = await running.ended
    assert.deepEqual([code, stdout], [0, `${server}\n`])
    assert.match(stderr, /"msg":"listening on http/)
    assert.match(stderr, /"cache":"fwd=uri-miss/)
    assert.equal(cli.origin.log('/a').length, 1)
  })

  it('refuses loopback upstreams unless they are allowed', async () => {
    const running = cli.sandbox.startServer(['--port', '0'])
    const answer = await fetch(fetchUrl(await listening(running), '/a'))
    assert.equal(answer.status, 403)
    assert.match(await answer.text(), /--allow-upstream/)
    running.child.kill('SIGINT')
    assert.equal((await running.ended).code, 0)
  })

  it('lets readers finish when it is told to stop, then exits 0', async () => {
    const gate = latch()
    cli.origin.script('/slow', [{ body, stall: { after: 1_000, until: gate.opened } }])
    const running = cli.sandbox.start(['serve', '--port', '0'], { env: { KISS_ALLOW_UPSTREAM: '127.0.0.1' } })
    const server = await listening(running)
    const received = new Promise<number>((resolve, reject) => {
      get(fetchUrl(server, '/slow'), (response) => {
        let length = 0
        response.on('data', (chunk: Buffer) => {
          if (length === 0) running.child.kill('SIGTERM')
          length += chunk.length
        })
        response.on('end', () => resolve(length))
        response.on('error', reject)
      })
    })
    await until('draining', async () => (await health(server)) === 503)
    gate.open()
    assert.equal(await received, body.length)
    assert.equal((await running.ended).code, 0)
  })

  it('takes its settings from flag, environment and file, and prints where each comes from', async () => {
    writeFileSync(
      cli.sandbox.configFile,
      'port: 1003\nquota: 5GiB\nheader: "X-Secret: sesame1"\ngitlab: {token: sesame2}\n',
    )
    const { code, stdout, stderr } = await cli.sandbox.run(['serve', '--print-config', '--host', '127.0.0.2'], {
      env: { KISS_PORT: '1002' },
    })
    assert.deepEqual([code, stderr], [0, ''])
    const lines = stdout.split('\n').map((line) => line.replace(/ +#/, ' #'))
    for (const line of [
      'host: 127.0.0.2 # flag',
      'port: 1002 # KISS_PORT',
      `quota: 5GiB # ${cli.sandbox.configFile}:2`,
      'workers: 1 # default',
      `cache-dir: ${cli.sandbox.cacheDir} # KISS_CACHE_DIR`,
    ]) {
      assert.ok(lines.includes(line), `${line}\n${stdout}`)
    }
    assert.doesNotMatch(stdout, /sesame/)
  })

  it('names the wrong setting, and exits 2', async () => {
    const complaints: [string[], RegExp][] = [
      [['--tls-cert', 'x'], /^kiss: --tls-cert needs --tls-key\n$/],
      [['--admin-token-file', 'none'], /^kiss: --admin-token-file: cannot read .*none: ENOENT\n$/],
      [['--log-level', 'loud'], /^kiss: --log-level: "loud" is not one of fatal, error/],
      [
        ['--allow-upstream', 'http://h/'],
        /^kiss: --allow-upstream: "http:\/\/h\/" is not a host, an address or a CIDR\n$/,
      ],
      [['--host', '203.0.113.1'], /^kiss: .*203\.0\.113\.1/],
    ]
    for (const [args, expected] of complaints) {
      const { code, stdout, stderr } = await cli.sandbox.run(['serve', '--port', '0', ...args])
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, expected)
    }
  })

  it('purges for the admin token, and for no client without --admin-token-file', async () => {
    writeFileSync(path.join(cli.sandbox.root, 'token'), 'secret-of-the-admin\n')
    const running = cli.sandbox.startServer(['--port', '0', '--allow-upstream', '127.0.0.1'], {
      env: { KISS_ADMIN_TOKEN_FILE: path.join(cli.sandbox.root, 'token') },
    })
    const url = fetchUrl(await listening(running), '/a')
    assert.equal((await fetch(url)).status, 200)
    const wrong = await fetch(url, { method: 'DELETE', headers: { authorization: 'Bearer wrong' } })
    assert.equal(wrong.ok, false)
    const right = await fetch(url, { method: 'DELETE', headers: { authorization: 'Bearer secret-of-the-admin' } })
    assert.equal(right.ok, true)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
  })
})

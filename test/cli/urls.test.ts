/** URLs on their way from a command line, a list, a server's `url=` and a Location to the origin. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import type { KissError } from '#kiss/errors.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { Serving } from '../support/serving.js'

/** As written, and as the origin has to see it. */
const spellings = [
  ['/100%.img', '/100%25.img'],
  ['/a\\b.img', '/a%5Cb.img'],
  ['/x|y^[z]`{q}', '/x%7Cy%5E%5Bz%5D%60%7Bq%7D'],
  ['/q?a|b=[c]\\d', '/q?a%7Cb=%5Bc%5D%5Cd'],
  ['/ü b', '/%C3%BC%20b'],
  [`/it's?a='b'&c=%27d`, `/it's?a='b'&c=%27d`],
] as const

describe('URLs that are not well formed', () => {
  let serving: Serving | undefined
  afterEach(async () => {
    await serving?.stop()
    serving = undefined
  })
  const cli = commandLine()
  const allowed = ['--allow-upstream', '127.0.0.0/8']

  it('reach the origin as curl or requests would send them, and have one entry a request target', async () => {
    for (const [, target] of spellings) cli.origin.serve(target, { body: bytes(target, 100) })
    serving = await Serving.start(cli.sandbox, allowed)
    for (const [written, target] of spellings) {
      const fetched = await cli.sandbox.run(['fetch', '-o', 'out', cli.origin.url(written)])
      assert.deepEqual([fetched.code, fetched.stderr], [0, ''], written)
      const served = await serving.fetch(cli.origin.url(written))
      const encoded = await serving.fetch(cli.origin.url(target))
      for (const { status, headers } of [served, encoded]) {
        assert.deepEqual([status, String(headers['cache-status']).startsWith('kiss; hit')], [200, true], written)
      }
    }
    assert.deepEqual(
      cli.origin.requests.map((request) => request.path),
      spellings.map(([, target]) => target),
    )
  })

  it('are found again by list and purge as they were written', async () => {
    const [[written, target]] = spellings
    cli.origin.serve(target, { body: bytes('a', 100) })
    await cli.sandbox.run(['fetch', '-o', 'out', cli.origin.url(written)])
    const listed = await cli.sandbox.run(['list', '--match', cli.origin.url(target), '--json'])
    assert.equal((JSON.parse(listed.stdout) as { entries: unknown[] }).entries.length, 1)
    const purged = await cli.sandbox.run(['purge', '--yes', cli.origin.url(written), '--json'])
    assert.equal((JSON.parse(purged.stdout) as { removed: number }).removed, 1)
  })

  it('are followed where a Location holds the bytes of UTF-8 and characters that no path has', async () => {
    const target = '/%C3%A9t%C3%A9%20%7C%20%7B1%7D'
    cli.origin.serve(target, { body: bytes('a', 100) })
    // A server of its own: node:http encodes a header twice that holds bytes of UTF-8.
    const raw = createServer((socket) => {
      const head = `HTTP/1.1 302 Found\r\nLocation: ${cli.origin.url('/été | {1}')}\r\nContent-Length: 0\r\n\r\n`
      socket.once('data', () => socket.end(head))
    }).listen(0, '127.0.0.1')
    await once(raw, 'listening')
    const { port } = raw.address() as AddressInfo
    const { code, stderr } = await cli.sandbox.run(['fetch', `http://127.0.0.1:${port}/from`])
    raw.close()
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(cli.origin.requests.at(-1)?.path, target)
  })

  it('are refused with exit 2 and named when they hold a control character', async () => {
    serving = await Serving.start(cli.sandbox, allowed)
    const list = path.join(cli.sandbox.cwd, 'list')
    for (const [character, shown] of [
      ['\t', '\\t'],
      ['\r', '\\r'],
      ['\n', '\\n'],
      ['\u001b', '\\u001b'],
      ['\u009b', '\\u009b'],
    ] as const) {
      const url = cli.origin.url(`/a${character}b`)
      writeFileSync(list, `${cli.origin.url('/ok')}\r\n${url}\r\n`)
      const args: string[] = {
        '\t': ['fetch', url],
        '\r': ['fetch', '--input', list],
        '\n': ['fetch', '--server', serving.url, url],
        '\u001b': ['purge', '--yes', url],
        '\u009b': ['fetch', '--json', url],
      }[character]
      const { code, stderr, stdout } = await cli.sandbox.run(args)
      assert.equal(code, 2, args.join(' '))
      const error = args.includes('--json') ? (JSON.parse(stdout) as { error: KissError }).error.message : stderr
      assert.match(error, /has a control character/)
      assert.ok(error.includes(`a${shown}b`), error)
      assert.equal((await serving.fetch(url)).status, 400)
    }
    assert.equal(cli.origin.requests.length, 0)
  })

  it('may end in a carriage return in a list', async () => {
    cli.origin.serve('/a', { body: bytes('a', 100) })
    const { code } = await cli.sandbox.run(['fetch', '-i', '-'], { input: `${cli.origin.url('/a')}\r\n` })
    assert.deepEqual([code, cli.origin.requests.map((request) => request.path)], [0, ['/a']])
  })
})

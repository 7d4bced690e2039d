/** A real server, the clients of its queue, and an origin that counts what it is asked. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes, latch } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { until } from '../support/until.js'
import { get } from '../server/support/client.js'

describe('clients of a kiss serve whose places are all taken', () => {
  const cli = commandLine()
  const body = bytes('the ninth', 100_000)
  const slow = Array.from({ length: 8 }, (_, n) => `/slow/${n}`)

  it('are kept waiting and told their place, and never cost a second request of the origin', async () => {
    const gate = latch()
    for (const name of slow) {
      cli.origin.script(name, [{ body: bytes(name, 50_000), stall: { after: 1_000, until: gate.opened } }])
    }
    cli.origin.serve('/ninth.img', { body })
    const kiss = await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.0/8'])
    const ninth = cli.origin.url('/ninth.img')
    try {
      const taken = slow.map((name) => kiss.fetch(cli.origin.url(name)))
      await Promise.all(slow.map((name) => cli.origin.requested(name)))

      const plain = kiss.fetch(ninth)
      const fetched = cli.sandbox.run(['fetch', '--server', kiss.url, '-o', 'ninth', ninth])
      await until('the ninth is in the queue', async () => (await kiss.status()).resources_scheduled === 1)
      const page = await get(`${kiss.url}resources/scheduled/`)
      assert.match(page.text, /ninth\.img[^]*>\s*place 1 in the queue\s*</)

      const told = await kiss.fetch(ninth, { headers: { Prefer: 'wait=0' } })
      assert.equal(told.status, 503)
      assert.match(String(told.headers['retry-after']), /^\d+$/)
      assert.match(told.text, /number 1 in the queue[^]*"code":"busy"/)
      const gone = await cli.sandbox.run(['fetch', '--server', kiss.url, '--max-time', '4s', ninth])
      assert.equal(gone.code, 4)
      assert.match(gone.stderr, /^kiss: not done within 4s: [^\n]*number 1 in the queue[^\n]*\n$/)
      assert.deepEqual(cli.origin.log('/ninth.img'), [])

      gate.open()
      assert.ok((await plain).body.equals(body))
      assert.deepEqual(await fetched, { ...(await fetched), code: 0, stderr: '' })
      assert.ok(readFileSync(path.join(cli.sandbox.cwd, 'ninth')).equals(body))
      for (const { status, complete } of await Promise.all(taken)) assert.deepEqual([status, complete], [200, true])
      const asked = cli.origin.requests.map(({ method, path: name }) => `${method} ${name}`)
      assert.deepEqual(asked.sort(), ['GET /ninth.img', ...slow.map((name) => `GET ${name}`)].sort())
    } finally {
      gate.open()
      await kiss.stop()
    }
  })
})

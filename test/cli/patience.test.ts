import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes, latch, Origin } from '../support/origin.js'

describe('kiss fetch from an origin in trouble', () => {
  const body = bytes('patience', 200_000)
  const cli = commandLine()

  it('tries again after a 503 and after a cut', async () => {
    cli.origin.script('/busy', [{ body, etag: '"1"', status: 503 }, { cut: { after: 1000 } }, {}])
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/busy')])
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(readFileSync(path.join(cli.sandbox.cwd, 'busy')), body)
    assert.equal(cli.origin.log('/busy').length, 3)
  })

  it('lives through its pauses when no server listens there, and says so when the time is up', async () => {
    const gone = await Origin.start()
    const url = gone.url('/down')
    await gone.close()
    const { code, stdout, stderr } = await cli.sandbox.run(['fetch', url, '--max-time', '5s'])
    assert.deepEqual([code, stdout, stderr], [4, '', stderr])
    assert.match(
      stderr,
      /^kiss: not done within 5s: \d attempts?(, the last one)?: the connection was refused; raise --max-time\n$/,
    )
  })

  it('waits longer than the stall timeout for headers and for a first byte, and asks once', async () => {
    for (const name of ['/late-headers', '/late-body']) {
      const gate = latch()
      const until = gate.opened
      cli.origin.script(name, [name === '/late-headers' ? { body, hold: until } : { body, stall: { after: 0, until } }])
      void cli.origin.requested(name).then(() => setTimeout(() => gate.open(), 1_500))
    }
    const urls = ['/late-headers', '/late-body'].map((name) => cli.origin.url(name))
    const { code, stderr } = await cli.sandbox.run(['fetch', ...urls], { env: { KISS_STALL_TIMEOUT: '1s' } })
    assert.deepEqual([code, stderr], [0, ''])
    assert.ok(readFileSync(path.join(cli.sandbox.cwd, 'late-body')).equals(body))
    assert.equal(cli.origin.requests.length, 2)
  })

  it('says what the time went by on when --max-time is over', async () => {
    cli.origin.script('/busy', [{ status: 503 }])
    cli.origin.script('/silent', [{ hold: latch().opened }])
    const busy = await cli.sandbox.run(['fetch', cli.origin.url('/busy'), '--max-time', '8s'])
    assert.match(busy.stderr, /not done within 8s: \d attempts, the last one: the origin answered 503/)
    const silent = await cli.sandbox.run(['fetch', cli.origin.url('/silent'), '--max-time', '5s', '--json'])
    const { error } = JSON.parse(silent.stdout) as { error: { code: string; message: string } }
    assert.deepEqual([silent.code, error.code], [4, 'out-of-time'])
    assert.match(error.message, /the origin has not answered yet/)
  })

  it('takes spans that are longer than a timer can run', async () => {
    cli.origin.serve('/long', { body })
    const spans = ['--max-time', '30d', '--retry-for', '5w', '--stall-timeout', '30d']
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/long'), ...spans])
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(cli.origin.log('/long').length, 1)
  })

  it('gives up after --retry-for, however many attempts that takes', async () => {
    cli.origin.script('/busy', [{ status: 503 }])
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/busy'), '--retry-for', '2s'])
    assert.equal(code, 4)
    assert.match(stderr, /answered 503; gave up after \d attempts in \d s/)
  })
})

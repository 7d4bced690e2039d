import assert from 'node:assert/strict'
import { listening } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

describe('the quota of a cache directory', () => {
  const cli = commandLine()
  beforeEach(() => {
    for (let i = 0; i < 5; i++) cli.origin.serve(`/${i}`, { body: bytes(`${i}`, 300_000), etag: `"${i}"` })
    cli.origin.serve('/small', { body: bytes('small', 1_000) })
  })

  async function fill(): Promise<void> {
    const urls = [0, 1, 2, 3, 4].map((i) => cli.origin.url(`/${i}`))
    assert.equal((await cli.sandbox.run(['fetch', '-d', 'out', ...urls])).code, 0)
  }

  async function state(): Promise<{ entries: number; quota: unknown }> {
    const { stdout } = await cli.sandbox.run(['stats', '--json'])
    const status = JSON.parse(stdout) as Record<string, unknown>
    const list = JSON.parse((await cli.sandbox.run(['list', '--json'])).stdout) as { entries: unknown[] }
    return { entries: list.entries.length, quota: status.disk_quota }
  }

  it('is not set by kiss fetch --quota, which evicts no more than its own artifact needs', async () => {
    await fill()
    const fetched = await cli.sandbox.run(['fetch', '--quota', '500KiB', cli.origin.url('/small')])
    assert.equal(fetched.code, 0, fetched.stderr)
    const { entries, quota } = await state()
    assert.ok(entries >= 5, `${entries} entries`)
    assert.equal(quota, 0)
    const large = await cli.sandbox.run(['fetch', '--quota', '100KiB', '--refresh', cli.origin.url('/4'), '-o', 'x'])
    assert.equal((await state()).entries >= 5, true)
    assert.equal(large.code, 0, large.stderr)
  })

  it('refuses an artifact larger than kiss fetch --quota, and evicts nothing for it', async () => {
    await fill()
    cli.origin.serve('/large', { body: bytes('large', 600_000) })
    assert.equal((await cli.sandbox.run(['fetch', '--quota', '500KiB', cli.origin.url('/large')])).code, 6)
    assert.deepEqual(await state(), { entries: 5, quota: 0 })
  })

  it('is set by kiss purge --set-quota, which evicts what is above it, and taken back with 0', async () => {
    await fill()
    const set = await cli.sandbox.run(['purge', '--set-quota', '1MiB'])
    assert.equal(set.code, 0, set.stderr)
    assert.match(set.stdout, /^quota 1 MiB; evicted 2 entries, 586 KiB\n$/)
    assert.deepEqual(await state(), { entries: 3, quota: 1_048_576 })
    await cli.sandbox.run(['fetch', cli.origin.url('/small')])
    assert.equal((await state()).quota, 1_048_576)
    assert.equal((await cli.sandbox.run(['purge', '--set-quota', '0'])).stdout, 'no quota\n')
    assert.equal((await state()).quota, 0)
    assert.equal((await cli.sandbox.run(['purge', '--set-quota', '1GiB', '--all', '--yes'])).code, 2)
  })

  it('is taken back by kiss serve --quota 0, which evicts nothing, and 0 is no limit for kiss fetch', async () => {
    await fill()
    await cli.sandbox.run(['purge', '--set-quota', '1GiB'])
    const running = cli.sandbox.startServer(['--port', '0', '--quota', '0'])
    await listening(running)
    assert.deepEqual(await state(), { entries: 5, quota: 0 })
    running.child.kill('SIGTERM')
    await running.ended
    const fetched = await cli.sandbox.run(['fetch', '--quota', '0', '--max-rate', '0', cli.origin.url('/small')])
    assert.deepEqual([fetched.code, fetched.stderr], [0, ''])
    assert.deepEqual(await state(), { entries: 6, quota: 0 })
  })

  it('is not emptied by a HEAD of a body that is announced and never sent', async () => {
    await fill()
    cli.origin.script('/bait', [{ body: bytes('bait', 1_900_000), stall: { after: 0 } }])
    const running = cli.sandbox.startServer([
      ...['--port', '0', '--allow-upstream', '127.0.0.1', '--quota', '2000000', '--drain-timeout', '0s'],
    ])
    const server = await listening(running)
    const fetchUrl = (path: string) => `${server}api/v1/fetch?url=${encodeURIComponent(cli.origin.url(path))}`
    assert.equal((await fetch(fetchUrl('/bait'), { method: 'HEAD' })).headers.get('content-length'), '1900000')
    assert.equal((await state()).entries, 5)
    const other = await fetch(fetchUrl('/small'))
    assert.deepEqual([other.status, (await other.arrayBuffer()).byteLength], [200, 1_000])
    assert.equal((await state()).entries, 6)
    running.child.kill('SIGTERM')
    await running.ended
  })

  it('counts blocks and rows of small artifacts', async () => {
    assert.equal((await cli.sandbox.run(['purge', '--set-quota', '100KiB'])).code, 0)
    const urls = Array.from({ length: 60 }, (_, i) => {
      cli.origin.serve(`/tiny/${i}`, { body: Buffer.from(`${i}`.padEnd(4)) })
      return cli.origin.url(`/tiny/${i}`)
    })
    assert.equal((await cli.sandbox.run(['fetch', '-d', 'out', ...urls])).code, 0)
    const { entries } = await state()
    assert.ok(entries >= 5 && entries <= 10, `${entries} entries`)
  })
})

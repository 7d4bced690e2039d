import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'

describe('kiss pin', () => {
  const cli = commandLine()
  const urls: string[] = []
  beforeEach(async () => {
    urls.length = 0
    for (const name of ['/a', '/b', '/c']) {
      cli.origin.serve(name, { body: bytes(name, 100_000) })
      urls.push(cli.origin.url(name))
    }
    await cli.sandbox.run(['fetch', ...urls.slice(0, 2)])
  })
  const listed = async (): Promise<string[]> => {
    const { stdout } = await cli.sandbox.run(['list', '--json'])
    return (JSON.parse(stdout) as { entries: { url: string }[] }).entries.map(({ url }) => url)
  }

  it('keeps an entry from eviction and from filters, until it is unpinned or named', async () => {
    const pinned = await cli.sandbox.run(['pin', urls[0]!])
    assert.deepEqual([pinned.code, pinned.stdout], [0, 'pinned 1 entry, 97.7 KiB\n'])
    assert.match((await cli.sandbox.run(['list'])).stdout, /pinned +[0-9a-f]{8} +\S+\/a$/m)
    assert.match((await cli.sandbox.run(['stats'])).stdout, /^pinned {6}97\.7 KiB, which the quota does not evict$/m)

    await cli.sandbox.run(['purge', '--set-quota', '250K'])
    // Room for two: the one that is not pinned goes, although it was used last.
    await cli.sandbox.run(['fetch', '--offline', urls[1]!])
    assert.equal((await cli.sandbox.run(['fetch', urls[2]!])).code, 0)
    assert.deepEqual(await listed(), [urls[0], urls[2]])

    const dry = await cli.sandbox.run(['purge', '--all', '--dry-run'])
    assert.match(dry.stdout, /would remove 1 entry, 97\.7 KiB\n1 pinned entry stays\n$/)
    assert.equal(dry.stdout.includes(urls[0]!), false)
    await cli.sandbox.run(['purge', '--all', '--yes'])
    assert.deepEqual(await listed(), [urls[0]])

    // What does not fit beside pinned entries is refused at once, with the way out.
    cli.origin.serve('/large', { body: bytes('large', 200_000) })
    const large = await cli.sandbox.run(['fetch', cli.origin.url('/large')])
    assert.equal(large.code, 6)
    assert.match(large.stderr, /pinned entries take \d+ of the 256000 bytes of the quota; raise the quota, or .*unpin/)

    assert.equal((await cli.sandbox.run(['unpin', urls[0]!])).stdout, 'unpinned 1 entry, 97.7 KiB\n')
    await cli.sandbox.run(['purge', '--all', '--yes'])
    assert.deepEqual(await listed(), [])
  })

  it('ends with --until, and by name at once', async () => {
    await cli.sandbox.run(['pin', '--until', '1ms', urls[0]!])
    const { stdout } = await cli.sandbox.run(['pin', '--until', '30d', urls[1]!])
    assert.equal(stdout, 'pinned 1 entry, 97.7 KiB, for 30d\n')
    await cli.sandbox.run(['purge', '--all', '--yes'])
    assert.deepEqual(await listed(), [urls[1]])
    const json = await cli.sandbox.run(['list', '--json'])
    const [entry] = (JSON.parse(json.stdout) as { entries: { pinnedUntil: number }[] }).entries
    assert.ok(Math.abs(entry!.pinnedUntil - Date.now() - 30 * 86_400_000) < 600_000)
    await cli.sandbox.run(['purge', '--yes', urls[1]!])
    assert.deepEqual(await listed(), [])
  })

  it('takes the downloads of a LAVA job, and so does a prefetch with --pin', async () => {
    const job = path.join(cli.sandbox.cwd, 'job.yaml')
    const deploy = `actions:\n  - deploy:\n      to: tftp\n      kernel:\n        url: ${urls[0]}\n      dtb:\n        url: ${urls[2]}\n`
    writeFileSync(job, deploy)
    const missing = await cli.sandbox.run(['pin', '--job', 'job.yaml'])
    assert.equal(missing.code, 4)
    assert.equal(missing.stderr, `kiss: ${urls[2]} is not in the cache; fetch it first\n`)
    assert.equal((await cli.sandbox.run(['lava', 'prefetch', '--pin', '--until', '7d', 'job.yaml'])).code, 0)
    await cli.sandbox.run(['purge', '--all', '--yes'])
    assert.deepEqual(await listed(), [urls[0], urls[2]])
    assert.match((await cli.sandbox.run(['unpin', '--job', 'job.yaml'])).stdout, /^unpinned 2 entries/)
    const wrong = await cli.sandbox.run(['pin', '--job', 'none.yaml'])
    assert.equal(wrong.code, 2)
    assert.equal((await cli.sandbox.run(['pin'])).code, 2)
    const unknown = await cli.sandbox.run(['unpin', cli.origin.url('/unknown')])
    assert.equal(unknown.stderr, `kiss: ${cli.origin.url('/unknown')} is not in the cache\n`)
  })
})

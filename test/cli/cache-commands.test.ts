import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Ran } from '../support/cli.js'
import { commandLine } from '../support/command-line.js'
import { bytes, sha256 } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { until } from '../support/until.js'

function json({ stdout }: Ran): unknown {
  return JSON.parse(stdout)
}

interface Listed {
  readonly entries: readonly Record<string, unknown>[]
}

describe('commands on the cache', () => {
  const small = bytes('small', 1_000)
  const large = bytes('large', 100_000)
  const cli = commandLine()
  beforeEach(async () => {
    cli.origin.serve('/small', { body: small })
    cli.origin.serve('/large', { body: large })
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/small'), cli.origin.url('/large')])
    assert.equal(code, 0, stderr)
  })
  const blobOf = async (name: string): Promise<string> =>
    (await cli.sandbox.run(['fetch', '--path', cli.origin.url(name)])).stdout.trimEnd()

  it('list: exactly the keys of the contract, sorted and filtered', async () => {
    const before = Date.now()
    const all = await cli.sandbox.run(['list', '--sort', 'size', '--json'])
    assert.deepEqual([all.code, all.stderr], [0, ''])
    const { entries } = json(all) as Listed
    const { id, storedAt, staleAt, lastUsedAt, ...rest } = entries[0]!
    assert.match(String(id), /^[0-9a-f]{64}$/)
    assert.deepEqual(rest, {
      url: cli.origin.url('/large'),
      size: 100_000,
      sha256: sha256(large),
      hits: 0,
      private: false,
    })
    assert.ok(Number(storedAt) <= before && Number(lastUsedAt) >= Number(storedAt))
    assert.equal(Number(staleAt) - Number(storedAt), 10 * 86_400_000)
    assert.equal(entries[1]?.url, cli.origin.url('/small'))
    const filtered = await cli.sandbox.run(['list', '--match', 'http://*/sm*', '--json'])
    assert.deepEqual(
      (json(filtered) as Listed).entries.map(({ url }) => url),
      [cli.origin.url('/small')],
    )
  })

  it('list: a table for people', async () => {
    const { code, stdout } = await cli.sandbox.run(['list'])
    assert.equal(code, 0)
    const lines = stdout.trimEnd().split('\n')
    assert.match(lines[0]!, /^ +SIZE +AGE +FRESH +USED +HITS +NOTE +ID +URL$/)
    assert.match(lines[1]!, /^97\.7 KiB .* http:\/\/127\.0\.0\.1:\d+\/large$/)
    assert.match(lines[3]!, /^2 entries, /)
  })

  it('stats: the keys of the status page, with bytes as counted', async () => {
    await cli.sandbox.run(['fetch', cli.origin.url('/small')])
    const { code, stdout, stderr } = await cli.sandbox.run(['stats', '--json', '--egress-price', '1000000'])
    assert.deepEqual([code, stderr], [0, ''])
    const status = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(status.statistics_download, 101_000)
    assert.equal(status.statistics_upload, 102_000)
    assert.equal(status.statistics_requests, 3)
    assert.equal(status.resources_successes, 2)
    assert.equal(status.egress_saved, 1)
    const plain = await cli.sandbox.run(['stats'])
    assert.match(plain.stdout, /^downloaded {2}98\.6 KiB, 2 done, 0 failed, 0 in flight$/m)
  })

  it('purge: by URL, by filter, and a dry run that removes nothing', async () => {
    const dry = await cli.sandbox.run(['purge', '--larger-than', '10KB', '--dry-run', '--json'])
    assert.deepEqual([dry.code, json(dry)], [0, { removed: 1, bytes: 100_000, dryRun: true }])
    const url = await cli.sandbox.run(['purge', '--yes', cli.origin.url('/small'), '--json'])
    assert.deepEqual([url.code, json(url)], [0, { removed: 1, bytes: 1_000, dryRun: false }])
    const none = await cli.sandbox.run(['purge', '--yes', cli.origin.url('/small')])
    assert.deepEqual([none.code, none.stdout], [0, 'removed 0 entries, 0 B\n'])
    const all = await cli.sandbox.run(['purge', '--all', '-y'])
    assert.deepEqual([all.code, all.stdout], [0, 'removed 1 entry, 97.7 KiB\n'])
    assert.deepEqual(json(await cli.sandbox.run(['list', '--json'])), { entries: [] })
  })

  for (const server of [false, true]) {
    it(`list and purge${server ? ' of a server' : ''} tell entries apart that differ in their query, and say what they share`, async () => {
      const [one, two] = [1, 2].map((n) => cli.origin.url(`/large?version=${n}`))
      await cli.sandbox.run(['fetch', '-o', 'x', one!])
      await cli.sandbox.run(['fetch', '-o', 'x', two!])
      writeFileSync(path.join(cli.sandbox.root, 'token'), 'a-token-of-the-admin\n')
      const token = path.join(cli.sandbox.root, 'token')
      const kiss = server ? await Serving.start(cli.sandbox, ['--admin-token-file', token]) : undefined
      const at = kiss ? ['--server', kiss.url, '--server-token-file', token] : []
      try {
        const run = (...args: string[]) => cli.sandbox.run([...args, ...at])
        const table = await run('list')
        assert.match(
          table.stdout,
          /\n4 entries, 294 KiB; 98\.6 KiB on the disk, because entries with the same content share it\n$/,
        )
        const shown = table.stdout.split('\n').filter((line) => line.endsWith('?…'))
        const ids = shown.map((line) => line.trim().split(/ +/).at(-2)!)
        assert.equal(new Set(ids).size, 2, table.stdout)
        const whole = (json(await run('list', ids[0]!, '--json')) as Listed).entries
        assert.deepEqual([whole.length, String(whole[0]?.id).startsWith(ids[0]!)], [1, true])
        assert.equal((json(await run('list', one!, '--json')) as Listed).entries.length, 1)
        const dry = await run('purge', '--dry-run', ids[0]!)
        assert.match(
          dry.stdout,
          new RegExp(`${ids[0]} .*\\?…\nwould remove 1 entry, 0 B; their sizes add up to 97\\.7 KiB`),
        )
        assert.match((await run('purge', '--yes', ids[0]!)).stdout, /^removed 1 entry, 0 B; their sizes add up/)
        assert.equal((json(await run('list', '--json')) as Listed).entries.length, 3)
        const stats = await run('stats')
        assert.match(stats.stdout, /^shared {6}196 KiB of entries, because those with the same content share it$/m)
      } finally {
        await kiss?.stop()
      }
    })
  }

  it('purge: without a terminal it needs --yes', async () => {
    const { code, stdout, stderr } = await cli.sandbox.run(['purge', '--all'], { input: 'y\n' })
    assert.deepEqual([code, stdout, stderr], [2, '', 'kiss: without a terminal to ask on, purge needs --yes\n'])
    assert.equal((json(await cli.sandbox.run(['list', '--json'])) as Listed).entries.length, 2)
  })

  it('verify: exits 5 when a blob was damaged, drops it, and is content afterwards', async () => {
    const blob = await blobOf('/small')
    chmodSync(blob, 0o644)
    writeFileSync(blob, bytes('other', 1_000))
    const damaged = await cli.sandbox.run(['verify', '--json'])
    const { error, ...result } = json(damaged) as { error: { code: string } }
    assert.deepEqual([damaged.code, error.code], [5, 'digest-mismatch'])
    assert.deepEqual(result, { checked: 2, damaged: [sha256(small)], orphans: [], dangling: [] })
    const again = await cli.sandbox.run(['verify'])
    assert.deepEqual([again.code, again.stdout, again.stderr], [0, 'checked 1 blob\n', ''])
  })

  it('verify and purge: leave a file of another program among the downloads alone', async () => {
    writeFileSync(path.join(cli.sandbox.cacheDir, 'transfers', '.DS_Store'), '')
    const verified = await cli.sandbox.run(['verify'])
    assert.deepEqual([verified.code, verified.stderr], [0, ''])
    const purged = await cli.sandbox.run(['purge', '--all', '--yes'])
    assert.deepEqual([purged.code, purged.stderr], [0, ''])
  })

  it('verify --rebuild: recovers the index that was lost', async () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${cli.sandbox.cacheDir}/index.sqlite${suffix}`, { force: true })
    const { code, stderr } = await cli.sandbox.run(['verify', '--rebuild'])
    assert.equal(code, 0, stderr)
    const offline = await cli.sandbox.run(['fetch', '--offline', '-o', 'again', cli.origin.url('/small')])
    assert.equal(offline.code, 0, offline.stderr)
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`verify: ends at ${signal}, however much there is to read`, async () => {
      const blob = await blobOf('/large')
      chmodSync(blob, 0o600)
      truncateSync(blob, 2 ** 40)
      const { child, ended } = cli.sandbox.start(['verify', '--json'])
      await until('the blob is read', () => isOpenIn(child.pid, blob))
      child.kill(signal)
      const ran = await ended
      const message = `interrupted by ${signal}`
      assert.deepEqual([ran.code, json(ran), ran.stderr], [code, { error: { code: 'interrupted', message } }, ''])
      truncateSync(blob, 0)
      assert.equal((await cli.sandbox.run(['verify'])).code, 5)
    })
  }
})

/** Has the process this file open? */
function isOpenIn(pid: number | undefined, file: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === file)
  } catch {
    // Closed between the two looks.
    return false
  }
}

import assert from 'node:assert/strict'
import { writeFileSync, chmodSync, rmSync } from 'node:fs'
import { Sandbox, type Ran } from '../support/cli.js'
import { bytes, Origin, sha256 } from '../support/origin.js'

function json({ stdout }: Ran): unknown {
  return JSON.parse(stdout)
}

interface Listed {
  readonly entries: readonly Record<string, unknown>[]
}

describe('commands on the cache', () => {
  const small = bytes('small', 1_000)
  const large = bytes('large', 100_000)
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/small', { body: small })
    origin.serve('/large', { body: large })
    const { code, stderr } = await sandbox.run(['fetch', origin.url('/small'), origin.url('/large')])
    assert.equal(code, 0, stderr)
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })
  const blobOf = async (name: string): Promise<string> =>
    (await sandbox.run(['fetch', '--path', origin.url(name)])).stdout.trimEnd()

  it('list: exactly the keys of the contract, sorted and filtered', async () => {
    const before = Date.now()
    const all = await sandbox.run(['list', '--sort', 'size', '--json'])
    assert.deepEqual([all.code, all.stderr], [0, ''])
    const { entries } = json(all) as Listed
    const { storedAt, staleAt, lastUsedAt, ...rest } = entries[0]!
    assert.deepEqual(rest, { url: origin.url('/large'), size: 100_000, sha256: sha256(large), hits: 0, private: false })
    assert.ok(Number(storedAt) <= before && Number(lastUsedAt) >= Number(storedAt))
    assert.equal(Number(staleAt) - Number(storedAt), 10 * 86_400_000)
    assert.equal(entries[1]?.url, origin.url('/small'))
    const filtered = await sandbox.run(['list', '--match', 'http://*/sm*', '--json'])
    assert.deepEqual(
      (json(filtered) as Listed).entries.map(({ url }) => url),
      [origin.url('/small')],
    )
  })

  it('list: a table for people', async () => {
    const { code, stdout } = await sandbox.run(['list'])
    assert.equal(code, 0)
    const lines = stdout.trimEnd().split('\n')
    assert.match(lines[0]!, /^ +SIZE +AGE +FRESH +USED +HITS +NOTE +URL$/)
    assert.match(lines[1]!, /^97\.7 KiB .* http:\/\/127\.0\.0\.1:\d+\/large$/)
    assert.match(lines[3]!, /^2 entries, /)
  })

  it('stats: the keys of the status page, with bytes as counted', async () => {
    await sandbox.run(['fetch', origin.url('/small')])
    const { code, stdout, stderr } = await sandbox.run(['stats', '--json', '--egress-price', '1000000'])
    assert.deepEqual([code, stderr], [0, ''])
    const status = JSON.parse(stdout) as Record<string, unknown>
    assert.equal(status.statistics_download, 101_000)
    assert.equal(status.statistics_upload, 102_000)
    assert.equal(status.statistics_requests, 3)
    assert.equal(status.resources_successes, 2)
    assert.equal(status.egress_saved, 1)
    const plain = await sandbox.run(['stats'])
    assert.match(plain.stdout, /^downloaded {2}98\.6 KiB, 2 done, 0 failed, 0 in flight$/m)
  })

  it('purge: by URL, by filter, and a dry run that removes nothing', async () => {
    const dry = await sandbox.run(['purge', '--larger-than', '10KB', '--dry-run', '--json'])
    assert.deepEqual([dry.code, json(dry)], [0, { removed: 1, bytes: 100_000, dryRun: true }])
    const url = await sandbox.run(['purge', '--yes', origin.url('/small'), '--json'])
    assert.deepEqual([url.code, json(url)], [0, { removed: 1, bytes: 1_000, dryRun: false }])
    const none = await sandbox.run(['purge', '--yes', origin.url('/small')])
    assert.deepEqual([none.code, none.stdout], [0, 'removed 0 entries, 0 B\n'])
    const all = await sandbox.run(['purge', '--all', '-y'])
    assert.deepEqual([all.code, all.stdout], [0, 'removed 1 entry, 97.7 KiB\n'])
    assert.deepEqual(json(await sandbox.run(['list', '--json'])), { entries: [] })
  })

  it('purge: without a terminal it needs --yes', async () => {
    const { code, stdout, stderr } = await sandbox.run(['purge', '--all'], { input: 'y\n' })
    assert.deepEqual([code, stdout, stderr], [2, '', 'kiss: without a terminal to ask on, purge needs --yes\n'])
    assert.equal((json(await sandbox.run(['list', '--json'])) as Listed).entries.length, 2)
  })

  it('verify: exits 5 when a blob was damaged, drops it, and is content afterwards', async () => {
    const blob = await blobOf('/small')
    chmodSync(blob, 0o644)
    writeFileSync(blob, bytes('other', 1_000))
    const damaged = await sandbox.run(['verify', '--json'])
    const { error, ...result } = json(damaged) as { error: { code: string } }
    assert.deepEqual([damaged.code, error.code], [5, 'digest-mismatch'])
    assert.deepEqual(result, { checked: 2, damaged: [sha256(small)], orphans: [], dangling: [] })
    const again = await sandbox.run(['verify'])
    assert.deepEqual([again.code, again.stdout, again.stderr], [0, 'checked 1 blob\n', ''])
  })

  it('verify --rebuild: recovers the index that was lost', async () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${sandbox.cacheDir}/index.sqlite${suffix}`, { force: true })
    const { code, stderr } = await sandbox.run(['verify', '--rebuild'])
    assert.equal(code, 0, stderr)
    const offline = await sandbox.run(['fetch', '--offline', '-o', 'again', origin.url('/small')])
    assert.equal(offline.code, 0, offline.stderr)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statsLines, type StatsView } from '#kiss/cli/inspect/stats.js'
import { bytes } from '../support/origin.js'
import { commandLine } from '../support/command-line.js'

const GiB = 1024 ** 3

const view: StatsView = {
  name: '/var/cache/kiss',
  status: {
    disk_usage: 30 * GiB,
    disk_quota: 100 * GiB,
    disk_usage_percent: 30,
    resources_successes: 12,
    resources_downloading: 2,
    resources_scheduled: 1,
    statistics_successes: 40,
    statistics_failures: 3,
    statistics_download: 100 * GiB,
    statistics_upload: 5000 * GiB,
    statistics_requests: 777,
    counters: { served_hit: 4900 * GiB, served_miss: 100 * GiB, served_stale: 0 },
  },
  hosts: Array.from({ length: 12 }, (_, n) => ({ host: `h${n}.example`, entries: 1, bytes: GiB, hits: n })),
  price: undefined,
  columns: undefined,
}

describe('kiss stats', () => {
  const cli = commandLine()

  it('shows the bytes downloaded and served, the use of the quota, and the entries of each host', () => {
    const lines = statsLines(view)
    assert.deepEqual(lines.slice(0, 5), [
      'cache       /var/cache/kiss',
      'entries     12, 30 GiB of 100 GiB (30 %)',
      'downloaded  100 GiB, 40 done, 3 failed, 3 in flight',
      'served      4.88 TiB, 50 times as much: hit 4.79 TiB, miss 100 GiB',
      'requests    777',
    ])
    assert.deepEqual(lines.slice(5, 8), ['', ' SIZE  ENTRIES  HITS  HOST', '1 GiB        1     0  h0.example'])
    assert.equal(lines.at(-1), 'and 2 more hosts')
  })

  it('shows the saved money, where the price of a GB is known', () => {
    const saved = ((4900 * GiB) / 1e9) * 0.09
    const lines = statsLines({ ...view, price: { amount: 0.09, unit: 'USD' } })
    assert.ok(lines.includes(`saved       ${saved.toFixed(2)} USD at 0.09 USD per GB`))
    assert.doesNotMatch(statsLines(view).join('\n'), /saved/)
  })

  it('names the sources of the downloaded bytes where some came from elsewhere than the origin', () => {
    const line = (from: object): string | undefined =>
      statsLines({ ...view, status: { ...view.status, downloaded_from: from } }).find((text) =>
        text.startsWith('downloaded'),
      )
    assert.match(
      line({ origin: 1024, mirror: 2048, parent: 0 }) ?? '',
      /^downloaded {2}100 GiB \(origin 1 KiB, mirror 2 KiB\), 40 done/,
    )
    assert.match(line({ origin: 1024, mirror: 0, parent: 0 }) ?? '', /^downloaded {2}100 GiB, 40 done/)
  })

  it('has nothing to divide and no hosts at first', () => {
    const lines = statsLines({ ...view, status: {}, hosts: [] })
    assert.deepEqual(lines.slice(1), [
      'entries     0, 0 B',
      'downloaded  0 B, 0 done, 0 failed, 0 in flight',
      'served      0 B',
      'requests    0',
    ])
  })

  it('--watch shows what changes, until it is interrupted', async () => {
    const { child, ended } = cli.sandbox.start(['stats', '--watch'])
    let shown = ''
    child.stdout.on('data', (text: string) => (shown += text))
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(shown)) await once(child.stdout, 'data')
    }
    await until(/^entries +0, 0 B/m)
    cli.origin.serve('/a', { body: bytes('watched', 1000) })
    assert.equal((await cli.sandbox.run(['fetch', cli.origin.url('/a')])).code, 0)
    await until(/^entries +1, 1000 B[^]*127\.0\.0\.1:\d+$/m)
    child.kill('SIGINT')
    const { code, signal, stderr } = await ended
    assert.deepEqual([code, signal, stderr], [0, null, ''])
  })

  it('--watch does not go with --json', async () => {
    const { code, stdout } = await cli.sandbox.run(['stats', '--watch', '--json'])
    assert.equal(code, 2)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'usage')
  })
})

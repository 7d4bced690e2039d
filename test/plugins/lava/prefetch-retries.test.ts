import assert from 'node:assert/strict'
import { KissError, noProgress, type Artifact } from 'kiss-cache/plugin'
import { downloadsOf } from '#lava/downloads.js'
import { parseJob } from '#lava/parse.js'
import { prefetch, summaryOf } from '#lava/prefetch.js'
import type { Source } from '#lava/source.js'

describe('prefetching through a server that is not ready', () => {
  const downloads = downloadsOf(
    parseJob('job.yaml', 'actions:\n- deploy: {to: usb, image: {url: "https://h/a"}}\n'),
    undefined,
  )
  const ready = {
    as: 'miss',
    stored: false,
    content: { read: async () => 0, sha256: 'x' },
    close: async () => undefined,
  }

  async function attempt(
    answers: readonly (KissError | 'ready')[],
    retryFor: number,
  ): Promise<[unknown, number, number]> {
    const left = [...answers]
    let now = 0
    let asked = 0
    const source: Source = {
      fetch: async () => {
        asked++
        const answer = left.length > 1 ? left.shift() : left[0]
        if (answer instanceof KissError) throw answer
        return ready as unknown as Artifact
      },
      close: async () => undefined,
    }
    const [outcome] = await prefetch({
      source,
      downloads,
      parallel: 1,
      ttl: undefined,
      signal: new AbortController().signal,
      progress: noProgress,
      retryFor,
      now: () => now,
      sleep: async (ms) => void (now += ms),
      done: () => undefined,
    })
    return [outcome?.error, asked, now]
  }

  const slow = new KissError('origin-timeout', 'slow')
  const draining = new KissError('draining', 'draining')

  it('asks again while the origin is slow or the server is being replaced', async () => {
    assert.deepEqual(await attempt([slow, draining, slow, 'ready'], 600_000), [undefined, 4, 15_000])
  })

  it('gives up in time', async () => {
    assert.deepEqual(await attempt([slow], 12_000), [slow, 3, 10_000])
  })

  it('does not ask again for what will not pass', async () => {
    const gone = new KissError('origin-refused', 'gone', { status: 404 })
    const failed = new KissError('origin-failed', 'failed')
    assert.deepEqual(await attempt([gone], 600_000), [gone, 1, 0])
    assert.deepEqual(await attempt([failed], 600_000), [failed, 1, 0])
  })

  it('sums up', () => {
    const result = { url: '', places: [], sha256: null, seconds: 0 }
    assert.deepEqual(
      summaryOf([
        { result: { ...result, status: 'hit', size: 1 } },
        { result: { ...result, status: 'collapsed', size: 2 } },
        { result: { ...result, status: null, size: null }, error: slow },
      ]),
      { hits: 1, misses: 1, failed: 1, bytes: 3 },
    )
  })
})

import assert from 'node:assert/strict'
import type { EngineStatus } from '#kiss/engine/types.js'
import { Snapshots } from '#kiss/server/snapshots.js'

describe('the rates of downloads', () => {
  let now = 10_000_000
  let received = 0
  const status = async (): Promise<EngineStatus> =>
    ({
      downloads: [{ url: 'u', state: 'downloading', received, length: 1e9, readers: 1, startedAt: 0, private: false }],
      failures: [],
    }) as unknown as EngineStatus

  it('are measured anew when the clock is set back', async () => {
    const snapshots = new Snapshots({ status }, () => now)
    const rate = async (): Promise<number | undefined> => (await snapshots.view('admin')).flights[0]?.rate
    await rate()
    now -= 3_600_000
    for (let i = 0; i < 3; i++) {
      await rate()
      now += 1_000
      received += 5_000
    }
    assert.equal(await rate(), 5_000)
  })
})

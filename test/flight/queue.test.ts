/** Downloads that wait for a place: their clients wait with them, and are told. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Wait } from '#kiss/engine/types.js'
import { bytes, latch } from '../support/origin.js'
import { until } from '../support/until.js'
import { faultLab } from './faults/lab.js'

const body = bytes('queue', 10_000)
/** Milliseconds. */
const PATIENCE = 500

describe('a download that waits for a place', () => {
  const lab = faultLab()
  const narrow = { upstream: { guard: false, env: {}, maxDownloadsPerHost: 1 } }

  it('keeps its clients waiting: their patience begins with its turn', async () => {
    const kiss = await lab.engine(narrow)
    const first = latch()
    lab.origin.script('/first', [{ body, hold: first.opened }])
    lab.origin.serve('/second', { body })
    const one = lab.get(kiss, '/first')
    await lab.origin.requested('/first')
    const waits: (() => Wait)[] = []
    const two = lab.get(kiss, '/second', { patience: PATIENCE, onWait: (wait) => waits.push(wait) })
    await until('a place in the queue', () => waits[0]?.().place === 1)
    assert.deepEqual(waits[0]?.(), { place: 1, reason: undefined, attempts: 0, retryAt: undefined })
    const [waiting] = (await kiss.status()).downloads.filter(({ url }) => url.endsWith('/second'))
    assert.deepEqual([waiting?.state, waiting?.place], ['scheduled', 1])
    await sleep(2 * PATIENCE)
    first.open()
    assert.ok((await two).body.equals(body))
    assert.ok((await one).body.equals(body))
    assert.equal(lab.asked('/second').length, 1)
  })

  it('keeps the clients of another process waiting, too', async () => {
    const cacheDir = await lab.folder()
    const [owner, other] = [await lab.engine({ ...narrow, cacheDir }), await lab.engine({ cacheDir })]
    const first = latch()
    lab.origin.script('/first', [{ body, hold: first.opened }])
    lab.origin.serve('/second', { body })
    const one = lab.get(owner, '/first')
    await lab.origin.requested('/first')
    const two = lab.get(owner, '/second')
    await until('two downloads', async () => (await owner.status()).downloads.length === 2)
    const three = lab.get(other, '/second', { patience: PATIENCE })
    await sleep(2 * PATIENCE)
    first.open()
    for (const got of await Promise.all([one, two, three])) assert.ok(got.body.equals(body))
    assert.equal(lab.asked('/second').length, 1)
  })

  it('tells a client its place when that will wait no longer, and keeps the place', async () => {
    const kiss = await lab.engine(narrow)
    const first = latch()
    lab.origin.script('/first', [{ body, hold: first.opened }])
    lab.origin.serve('/second', { body })
    const one = lab.get(kiss, '/first')
    await lab.origin.requested('/first')
    const got = await lab.get(kiss, '/second', { patience: PATIENCE, queuePatience: PATIENCE })
    assert.deepEqual([got.code, got.status, got.error?.retryAfter], ['busy', 503, 10_000])
    assert.match(got.error?.message ?? '', /number 1 in the queue/)
    first.open()
    await one
    assert.ok((await lab.get(kiss, '/second', { patience: PATIENCE })).body.equals(body))
    assert.equal(lab.asked('/second').length, 1)
  })
})

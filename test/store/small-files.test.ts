import assert from 'node:assert/strict'
import { Calls } from '#kiss/store/small-files.js'

describe('changes of small files', () => {
  let now: number
  let calls: Calls
  beforeEach(() => {
    now = 0
    calls = new Calls(() => now)
  })

  /** Where a call is made that takes so long in this thread. */
  const where = (milliseconds: number): Promise<string> =>
    calls.run(
      () => {
        now += milliseconds
        return 'here'
      },
      async () => 'pool',
    )

  it('are made in this thread while the disk is quick', async () => {
    for (let i = 0; i < 3; i++) assert.equal(await where(1), 'here')
  })

  it('are made in the thread pool for a hundred times as long as a slow one took', async () => {
    assert.equal(await where(20), 'here')
    now += 1_999
    assert.equal(await where(20), 'pool')
    now += 1
    assert.equal(await where(1), 'here')
    assert.equal(await where(1), 'here')
  })

  it('reject in both places, and a slow failure counts', async () => {
    const failing = calls.run<string>(
      () => {
        now += 20
        throw new Error('no room')
      },
      async () => 'pool',
    )
    await assert.rejects(failing, /no room/)
    assert.equal(await where(1), 'pool')
  })
})

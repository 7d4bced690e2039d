import assert from 'node:assert/strict'
import { atMost } from '#kiss/waits.js'

describe('a limit of work at a time', () => {
  it('keeps to the limit and to the order, also when work fails', async () => {
    const inTurn = atMost(2)
    const begun: number[] = []
    const ends: ((error?: Error) => void)[] = []
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    const work = [0, 1, 2, 3].map((number) =>
      inTurn(
        () =>
          new Promise<number>((resolve, reject) => {
            begun.push(number)
            ends[number] = (error) => (error === undefined ? resolve(number) : reject(error))
          }),
      ),
    )
    await turn()
    assert.deepEqual(begun, [0, 1])
    ends[1]?.(new Error('failed'))
    await assert.rejects(work[1]!, /failed/)
    await turn()
    assert.deepEqual(begun, [0, 1, 2])
    ends[0]?.()
    ends[2]?.()
    await turn()
    ends[3]?.()
    assert.deepEqual([await work[0], await work[2], await work[3]], [0, 2, 3])
  })
})

import assert from 'node:assert/strict'
import { Batch } from '#kiss/store/index/batch.js'
import { Fixture } from '../support.js'
import { Database } from '#kiss/store/index/database.js'
import { Slack } from '#kiss/store/slack.js'

describe('values that wait for their turn at the index', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  let database: Database
  beforeEach(async () => {
    const { layout } = await fixture.open()
    const slack = new Slack(layout)
    database = await Database.open({
      layout,
      slack,
      clock: Date,
      warn: (message) => assert.fail(message),
      busyTimeout: 1_000,
    })
  })
  afterEach(() => database.close())

  function counting(): { readonly batch: Batch<number, number>; readonly operations: number[][] } {
    const operations: number[][] = []
    const batch = new Batch<number, number>(database, async (_, values) => {
      operations.push([...values.values()])
      return new Map([...values].filter(([, n]) => n !== 0).map(([key, n]) => [key, n * 2]))
    })
    return { batch, operations }
  }

  it('go into one operation, and each gets its own result or none', async () => {
    const { batch, operations } = counting()
    const turn = database.query('SELECT 1')
    const results = await Promise.all([batch.add('a', 1), batch.add('b', 0), batch.add('c', 3)])
    await turn
    assert.deepEqual(results, [2, undefined, 6])
    assert.deepEqual(operations, [[1, 0, 3]])
    assert.equal(await batch.add('a', 4), 8)
  })

  it('are added once if they are equal', async () => {
    const { batch, operations } = counting()
    assert.deepEqual(await Promise.all([batch.add('a', 1), batch.add('a', 1)]), [2, 2])
    assert.deepEqual(operations, [[1]])
  })

  it('wait for the operation of another value under their key', async () => {
    const { batch, operations } = counting()
    assert.deepEqual(await Promise.all([batch.add('a', 1), batch.add('a', 2), batch.add('b', 3)]), [2, 4, 6])
    assert.deepEqual(operations, [[1, 3], [2]])
  })

  it('fail together, and the next ones do not', async () => {
    let fails = true
    const batch = new Batch<number, number>(database, async (_, values) => {
      if (fails) throw new Error('no')
      return values
    })
    const results = await Promise.allSettled([batch.add('a', 1), batch.add('b', 2)])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    fails = false
    assert.equal(await batch.add('a', 3), 3)
  })

  it('are refused by a closed index, each time anew', async () => {
    const { batch } = counting()
    await database.close()
    await assert.rejects(batch.add('a', 1), { code: 'internal' })
    await assert.rejects(batch.add('a', 1), { code: 'internal' })
  })
})

import assert from 'node:assert/strict'
import { connect } from '#kiss/store/index/connection.js'
import { Flusher } from '#kiss/store/index/flusher.js'
import { ENTRIES } from '#kiss/store/index/schema.js'
import { Fixture, put } from '../support.js'

describe('the flusher', () => {
  it('lets every source write, and throws what one of them threw', async () => {
    const flusher = new Flusher(() => assert.fail())
    const written: string[] = []
    flusher.add(async () => Promise.reject(new Error('no')))
    flusher.add(async () => void written.push('second'))
    await assert.rejects(flusher.flush(), { message: 'no' })
    assert.deepEqual(written, ['second'])
  })

  it('writes once at a time, and once more for calls in between', async () => {
    const flusher = new Flusher(() => assert.fail())
    let writing = 0
    let writes = 0
    flusher.add(async () => {
      assert.equal(++writing, 1)
      await new Promise(setImmediate)
      writing--
      writes++
    })
    await Promise.all([flusher.flush(), flusher.flush(), flusher.flush()])
    assert.equal(writes, 3)
  })

  it('writes by itself once it is armed, and warns once while that fails', async () => {
    const warnings: string[] = []
    const flusher = new Flusher((message) => warnings.push(message))
    let writes = 0
    const done = new Promise<void>((resolve) => {
      flusher.add(async () => {
        writes++
        if (writes < 3) throw new Error('the disk is full')
        resolve()
      })
    })
    flusher.arm()
    // Its timer does not keep a process alive; something has to.
    const alive = setInterval(() => undefined, 1_000)
    await done
    clearInterval(alive)
    await flusher.close()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /the disk is full/)
  })
})

describe('values that are written behind the answers', () => {
  const fixture = new Fixture()
  beforeEach(() => fixture.begin())
  afterEach(() => fixture.end())

  it('drops the oldest failures above their bound while the index cannot be written', async () => {
    const store = await fixture.open()
    const { query, close } = await connect(store.layout.index, 1_000)
    await query('ALTER TABLE failures RENAME TO hidden_failures')
    for (let at = 1; at <= 1_200; at++) {
      store.failures.add({ url: 'http://a/', code: 'origin-failed', message: '', private: false, at })
      if (at % 400 === 0) await assert.rejects(store.flush(), /no such table/)
    }
    await query('ALTER TABLE hidden_failures RENAME TO failures')
    await store.flush()
    const [{ first, count } = {}] = await query<{ first: number; count: number }>(
      "SELECT min(json_extract(record, '$.at')) AS first, count(*) AS count FROM failures",
    )
    await close()
    assert.deepEqual([first, count], [701, 500])
  })

  it('are written once, with those that came later, after a write that failed', async () => {
    const store = await fixture.open()
    const { id } = await put(store, 'a', 'body')
    const failure = { url: 'http://a/', code: 'origin-failed', message: '', private: false }
    const { query, close } = await connect(store.layout.index, 1_000)
    const tables = [ENTRIES, 'counters', 'failures', 'readers']
    const note = (at: number): void => {
      store.entries.touch(id, at)
      store.counters.add('downloaded', 3)
      store.failures.add({ ...failure, at })
      store.readers.set(id, at)
    }
    note(1)
    for (const table of tables) await query(`ALTER TABLE ${table} RENAME TO hidden_${table}`)
    await assert.rejects(store.flush(), /no such table/)
    for (const table of tables) await query(`ALTER TABLE hidden_${table} RENAME TO ${table}`)
    note(2)
    await store.flush()
    await store.flush()
    await close()

    const other = await fixture.open()
    assert.equal((await other.entries.get(id))?.hits, 2)
    assert.equal((await other.counters.read()).downloaded, 6)
    assert.deepEqual(
      (await other.failures.read()).map(({ at }) => at),
      [2, 1],
    )
    assert.deepEqual([...(await other.readers.elsewhere())], [[id, 2]])
  })
})

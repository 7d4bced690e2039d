import assert from 'node:assert/strict'
import { BufferPool } from '#kiss/server/buffer-pool.js'
import { Turns } from '#kiss/server/turns.js'
import { finishedBody } from './support/stub-bodies.js'

describe('the turns of the event loop', () => {
  /** Asks for five pieces, and says how many of them may be sent. */
  const ask = (turns: Turns): (() => number) => {
    let sent = 0
    for (let i = 0; i < 5; i++) {
      const turn = turns.next()
      if (turn === undefined) sent++
      else void turn.then(() => sent++)
    }
    return () => sent
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('have no limit while no client connects', () => {
    assert.equal(ask(new Turns())(), 5)
  })

  it('have two pieces each while clients connect, in the order in which they were asked for', async () => {
    const turns = new Turns()
    turns.connected()
    const sent = ask(turns)
    assert.equal(sent(), 2)
    await turn()
    assert.equal(sent(), 4)
    turns.connected()
    const later = ask(turns)
    await turn()
    assert.deepEqual([sent(), later()], [5, 1])
  })

  it('have no limit again after a turn in which no client connected', async () => {
    const turns = new Turns()
    turns.connected()
    ask(turns)
    const sent = ask(turns)
    await turn()
    assert.equal(sent(), 0)
    await turn()
    assert.equal(sent(), 5)
    assert.equal(ask(turns)(), 5)
  })

  it('hold a piece back before it is read', async () => {
    const turns = new Turns()
    turns.connected()
    ask(turns)
    const body = finishedBody('hello')
    const taken = new BufferPool({ turns }).join(body).take(0)
    await Promise.resolve()
    assert.equal(body.reads, 0)
    assert.equal(String((await taken)?.data), 'hello')
  })
})

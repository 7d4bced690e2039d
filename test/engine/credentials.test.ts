import assert from 'node:assert/strict'
import { Credentials } from '#kiss/engine/credentials.js'

describe('accepted credentials', () => {
  let now = 0
  const remembering = (capacity: number): Credentials => new Credentials({ now: () => now, ttl: 1000, capacity })
  const acceptance = (n: number) => ({ credential: `c${n}`, id: 'id', content: '"v1"' })

  it('are forgotten after their time', () => {
    const credentials = remembering(10)
    credentials.accept(acceptance(1), 'a')
    assert.equal(credentials.accepted(acceptance(1), 'a'), true)
    now += 1000
    assert.equal(credentials.accepted(acceptance(1), 'a'), false)
  })

  it('of one host are not displaced by ten thousand of another', () => {
    const credentials = remembering(100)
    for (let n = 0; n < 40; n++) credentials.accept(acceptance(n), 'lab')
    for (let n = 0; n < 10_000; n++) credentials.accept(acceptance(n), 'hostile')
    for (let n = 0; n < 40; n++) assert.equal(credentials.accepted(acceptance(n), 'lab'), true)
    assert.equal(credentials.accepted(acceptance(9_999), 'hostile'), true)
    assert.equal(credentials.accepted(acceptance(0), 'hostile'), false)
  })

  it('take no place twice when they are accepted again', () => {
    const credentials = remembering(2)
    for (let n = 0; n < 5; n++) credentials.accept(acceptance(1), 'a')
    credentials.accept(acceptance(2), 'a')
    assert.equal(credentials.accepted(acceptance(1), 'a'), true)
  })
})

/** The requests of a node to another one. */
import assert from 'node:assert/strict'
import { Peers } from '#kiss/cluster/peers.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import { Origin } from '../support/origin.js'

describe('the requests of a node to another one', () => {
  it('say once that the other node does not accept the token', async () => {
    const node = await Origin.start()
    const warnings: string[] = []
    const peers = new Peers({
      token: 'the-token-of-this-node',
      time: new ClockDifference(),
      warn: (line) => warnings.push(line),
    })
    try {
      const id = 'a'.repeat(64)
      node.script(`/api/v1/peer/${id}`, [{ status: 401 }])
      const question = { id, generation: 'stored', headers: {}, signal: new AbortController().signal } as const
      const url = node.url('')
      for (let i = 0; i < 2; i++) assert.deepEqual(await peers.get(url, question), { kind: 'refused', status: 401 })
      assert.equal(warnings.length, 1)
      assert.match(warnings.join(), /does not accept the first token of --cluster-token-file/)
      assert.equal(warnings.join().includes('the-token'), false)
    } finally {
      peers.close()
      await node.close()
    }
  })
})

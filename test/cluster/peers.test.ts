/** The requests of a node to another one. */
import assert from 'node:assert/strict'
import { Peers } from '#kiss/cluster/peers.js'
import { ClockDifference } from '#kiss/cluster/time.js'
import { Origin } from '../support/origin.js'

describe('the requests of a node to another one', () => {
  const asked = { id: 'a'.repeat(64), generation: 'stored', headers: {}, signal: new AbortController().signal } as const

  it('take an entry with the longest URL, which its description has twice', async () => {
    const url = `http://origin/${'x'.repeat(8_100)}`
    const about = { headers: {}, ranges: true, url, access: 'public', lifetime: 1, entry: { url } }
    const node = await Origin.start({ extra: { 'X-Kiss-Entry': JSON.stringify(about) } })
    const peers = new Peers({ token: 'the-token', time: new ClockDifference(), warn: () => undefined })
    try {
      node.serve(`/api/v1/peer/${asked.id}`, { body: Buffer.from('body') })
      const reply = await peers.get(node.url(''), asked)
      assert.ok(reply.kind === 'body', reply.kind)
      reply.stream.destroy()
    } finally {
      peers.close()
      await node.close()
    }
  })

  it('say once that the other node does not accept the token', async () => {
    const node = await Origin.start()
    const warnings: string[] = []
    const peers = new Peers({
      token: 'the-token-of-this-node',
      time: new ClockDifference(),
      warn: (line) => warnings.push(line),
    })
    try {
      node.script(`/api/v1/peer/${asked.id}`, [{ status: 401 }])
      const url = node.url('')
      for (let i = 0; i < 2; i++) assert.deepEqual(await peers.get(url, asked), { kind: 'refused', status: 401 })
      assert.equal(warnings.length, 1)
      assert.match(warnings.join(), /does not accept the first token of --cluster-token-file/)
      assert.equal(warnings.join().includes('the-token'), false)
    } finally {
      peers.close()
      await node.close()
    }
  })
})

import assert from 'node:assert/strict'
import { get } from '../../server/support/client.js'
import { ADMIN, TOKEN, type Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'

/** What nodes give each other, and to whom. */
export function sharing(lab: ClusterLab): void {
  describe('nodes of a cluster', () => {
    it('fills from each other what one has stored, with its age', async () => {
      const body = bytes('stored', 200_000)
      lab.origin.serve('/stored', { body, etag: '"s"', type: 'text/x-stored' })
      const [a, b] = lab.cluster.nodes as [Node, Node]
      await a.serving.fetch(lab.origin.url('/stored'))
      const filled = await b.serving.fetch(lab.origin.url('/stored'))
      assert.ok(filled.body.equals(body))
      assert.equal(filled.headers['content-type'], 'text/x-stored')
      assert.equal(filled.headers.etag, '"s"')
      assert.equal(lab.origin.log('/stored').length, 1)
      const status = await b.serving.status()
      assert.ok((status['counters'] as Record<string, number>)['filled']! >= body.length)
    })

    it('ask nobody without the token of the cluster', async () => {
      const node = lab.cluster.nodes[0]!
      const url = `${node.serving.url}api/v1/peer/${'a'.repeat(64)}`
      assert.equal((await get(url)).status, 401)
      assert.equal((await get(url, { headers: { 'X-Kiss-Token': 'another-token-of-somebody' } })).status, 401)
      assert.equal((await get(url, { headers: { 'X-Kiss-Token': TOKEN } })).status, 404)
      assert.equal((await get(url, { headers: { 'X-Kiss-Token': TOKEN, 'X-Kiss-Generation': '5' } })).status, 409)
    })

    it('obey a purge of one of them within a second, and later when they were away', async () => {
      const body = bytes('purged', 10_000)
      lab.origin.serve('/purged', { body, etag: '"1"' })
      const url = lab.origin.url('/purged')
      for (const node of lab.cluster.nodes) await node.serving.fetch(url)
      assert.equal(lab.origin.log('/purged').length, 1)
      const [a, b, c] = lab.cluster.nodes as [Node, Node, Node]
      await lab.cluster.kill(c)
      const purged = await get(a.serving.fetchUrl(url), { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } })
      assert.equal((JSON.parse(purged.text) as { removed: number }).removed, 2, purged.text)
      lab.origin.serve('/purged', { body: bytes('newer', 10_000), etag: '"2"' })
      const again = await b.serving.fetch(url)
      assert.ok(again.body.equals(bytes('newer', 10_000)))
      await lab.cluster.restart(c)
      const late = await c.serving.fetch(url)
      assert.ok(late.body.equals(bytes('newer', 10_000)))
      assert.equal(lab.origin.log('/purged').length, 2)
    })

    it('fill a new, empty node without a byte from the origin', async () => {
      const paths = Array.from({ length: 10 }, (_, i) => `/for-all/${i}`)
      for (const p of paths) lab.origin.serve(p, { body: bytes(p, 5_000), etag: `"${p}"` })
      for (const p of paths) await lab.cluster.nodes[0]!.serving.fetch(lab.origin.url(p))
      const node = await lab.cluster.add(3)
      const asked = lab.origin.requests.length
      for (const p of paths) assert.ok((await node.serving.fetch(lab.origin.url(p))).body.equals(bytes(p, 5_000)))
      assert.equal(lab.origin.requests.length, asked)
      await lab.cluster.remove(node)
    })
  })
}

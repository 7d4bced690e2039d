import assert from 'node:assert/strict'
import { get } from '../../server/support/client.js'
import { ADMIN, type Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'

/** A node misses a purge while it is frozen, and obeys it before its first answer. */
export function away(lab: ClusterLab): void {
  describe('a node that was away during a purge', () => {
    /** Every node has the old content in memory, and the origin has new content after the purge. */
    const purgeWithout = async (path: string, isAway: Node, meanwhile = async (): Promise<unknown> => undefined) => {
      const url = lab.origin.url(path)
      lab.origin.serve(path, { body: bytes('old', 10_000), etag: '"old"' })
      for (const node of [...lab.cluster.nodes, ...lab.cluster.nodes]) await node.serving.fetch(url)
      lab.cluster.freeze(isAway)
      const asked = { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } }
      const { text } = await get(lab.cluster.nodes[0]!.serving.fetchUrl(url), asked)
      assert.deepEqual((JSON.parse(text) as { unreached: string[] }).unreached, [
        `http://${isAway.host}:${lab.cluster.port}/`,
      ])
      lab.origin.serve(path, { body: bytes('new', 10_000), etag: '"new"' })
      await meanwhile()
      return url
    }
    const assertNew = async (url: string, node: Node): Promise<void> => {
      const { body } = await node.serving.fetch(url)
      assert.ok(body.equals(bytes('new', 10_000)), 'the old content')
    }

    it('obeys before its first answer when it was frozen', async () => {
      const third = lab.cluster.nodes[2]!
      const url = await purgeWithout('/frozen', third)
      const answers = Array.from({ length: 10 }, () => assertNew(url, third))
      lab.cluster.thaw(third)
      await Promise.all(answers)
      await assertNew(url, lab.cluster.nodes[1]!)
    })

    it('obeys before its first answer when Redis was emptied while it was frozen', async () => {
      const third = lab.cluster.nodes[2]!
      const url = await purgeWithout('/emptied', third, () => lab.cluster.redis.command('FLUSHALL'))
      const answers = Array.from({ length: 10 }, () => assertNew(url, third))
      lab.cluster.thaw(third)
      await Promise.all(answers)
    })
  })
}

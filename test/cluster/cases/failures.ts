import assert from 'node:assert/strict'
import { open, readAll } from '../../server/support/client.js'
import type { Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'
import { until } from '../../support/until.js'

const SIZE = 1_500_000

/** Nodes and Redis die, freeze and come back while clients read. */
export function failures(lab: ClusterLab): void {
  describe('a cluster whose parts fail', () => {
    let n = 0
    /** A slow artifact: two seconds long. */
    const artifact = (more: object = {}) => {
      const path = `/slow/${++n}`
      const body = bytes(path, SIZE)
      lab.origin.script(path, [{ body, etag: `"${path}"`, throttle: 750_000, ...more }])
      const downloaded = (): number => lab.origin.log(path).reduce((sum, { sent }) => sum + sent, 0)
      return { path, body, url: lab.origin.url(path), downloaded }
    }
    const first = (node: Node, url: string) => open(node.serving.fetchUrl(url))
    const halfway = (downloaded: () => number) => until('half of it is downloaded', () => downloaded() > SIZE / 2)

    it('goes on from the byte where it stands when the node that downloads is killed', async () => {
      const { url, body, downloaded } = artifact()
      const [a, b, c] = lab.cluster.nodes as [Node, Node, Node]
      const killed = readAll(await first(a, url))
      const others = await Promise.all([b, c, b, c].map((node) => first(node, url)))
      const read = others.map(readAll)
      await halfway(downloaded)
      await lab.cluster.kill(a)
      for (const answer of await Promise.all(read)) {
        assert.equal(answer.complete, true)
        assert.ok(answer.body.equals(body))
      }
      assert.equal((await killed).complete, false)
      // What lay in the buffers of sockets when the node died is asked for again: with a large body that is little.
      assert.equal(lab.origin.log(new URL(url).pathname).length, 2)
      assert.ok(downloaded() < 1.5 * SIZE, `${downloaded()} bytes of ${SIZE}`)
    })

    it('takes over from a frozen node when its lease has ended, and the thawed node reads on from there', async () => {
      const { url, body, downloaded } = artifact()
      const [a, b, c] = lab.cluster.nodes as [Node, Node, Node]
      const leading = await first(a, url)
      const answers = [leading, ...(await Promise.all([b, c].map((node) => first(node, url))))]
      const read = answers.map(readAll)
      await until('a part of it is downloaded', () => downloaded() > SIZE / 6)
      a.serving.running.child.kill('SIGSTOP')
      await lab.origin.requested(new URL(url).pathname, 2)
      a.serving.running.child.kill('SIGCONT')
      for (const answer of await Promise.all(read)) {
        assert.equal(answer.complete, true)
        assert.ok(answer.body.equals(body))
      }
      assert.equal(lab.origin.log(new URL(url).pathname).length, 2)
    })

    it('goes on without a failure when Redis is killed in the middle of a download', async () => {
      const { url, body } = artifact()
      const hit = artifact({ throttle: undefined })
      for (const node of lab.cluster.nodes) await node.serving.fetch(hit.url)
      const answers = await Promise.all(lab.cluster.nodes.map((node) => first(node, url)))
      const read = answers.map(readAll)
      await lab.cluster.redis.kill()
      const began = performance.now()
      const miss = artifact({ throttle: undefined })
      const missed = await lab.cluster.nodes[0]!.serving.fetch(miss.url)
      assert.ok(missed.body.equals(miss.body))
      assert.ok(performance.now() - began < 5_000)
      for (const node of lab.cluster.nodes) assert.ok((await node.serving.fetch(hit.url)).body.equals(hit.body))
      for (const answer of await Promise.all(read)) assert.ok(answer.body.equals(body))
      assert.equal(lab.origin.log(new URL(url).pathname).length, 1)
      await lab.cluster.redis.start()
      const later = artifact({ throttle: undefined })
      await lab.heal()
      const all = await Promise.all(lab.cluster.nodes.map((node) => node.serving.fetch(later.url)))
      for (const answer of all) assert.ok(answer.body.equals(later.body))
      assert.equal(lab.origin.log(new URL(later.url).pathname).length, 1)
    })

    it('goes on without a failure when Redis freezes', async () => {
      const { url, body } = artifact()
      const answers = await Promise.all(lab.cluster.nodes.map((node) => first(node, url)))
      const read = answers.map(readAll)
      lab.cluster.redis.freeze()
      const miss = artifact({ throttle: undefined })
      const missed = await lab.cluster.nodes[0]!.serving.fetch(miss.url)
      assert.ok(missed.body.equals(miss.body))
      for (const answer of await Promise.all(read)) assert.ok(answer.body.equals(body))
      assert.equal(lab.origin.log(new URL(url).pathname).length, 1)
    })
  })
}

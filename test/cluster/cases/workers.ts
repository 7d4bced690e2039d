import assert from 'node:assert/strict'
import { get, open, readAll } from '../../server/support/client.js'
import { ADMIN, type Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'
import { Rights } from '../../support/rights.js'
import { until } from '../../support/until.js'

/** Requests on connections of their own, so that they come to both workers. */
const TRIES = 6

/** Nodes with several workers each: what one process knows, all processes of all nodes obey. */
export function workers(lab: ClusterLab): void {
  describe('a cluster whose nodes have two workers each', () => {
    const everywhere = (url: string, headers = {}) =>
      Promise.all(
        lab.cluster.nodes.flatMap((node) => Array.from({ length: TRIES }, () => node.serving.fetch(url, { headers }))),
      )

    it('lends a growing body from whichever worker is asked', async () => {
      const body = bytes('growing', 400_000)
      lab.origin.script('/growing', [{ body, etag: '"g"', throttle: 200_000 }])
      const answers = await everywhere(lab.origin.url('/growing'))
      for (const answer of answers) assert.ok(answer.body.equals(body))
      assert.equal(lab.origin.log('/growing').length, 1)
    })

    it('forgets a purged artifact in all workers of all nodes, downloads in flight included', async () => {
      const url = lab.origin.url('/purged')
      const older = bytes('older', 200_000)
      lab.origin.script('/purged', [{ body: older, etag: '"1"', throttle: 100_000 }])
      const inFlight = await Promise.all(lab.cluster.nodes.map((node) => open(node.serving.fetchUrl(url))))
      const [a] = lab.cluster.nodes as [Node]
      const purged = await get(a.serving.fetchUrl(url), { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } })
      assert.equal(purged.status, 200)
      lab.origin.serve('/purged', { body: bytes('newer', 10_000), etag: '"2"' })
      // A client that came before the purge gets the whole of what it was promised.
      for (const answer of await Promise.all(inFlight.map(readAll))) assert.ok(answer.body.equals(older))
      for (const answer of await everywhere(url)) assert.ok(answer.body.equals(bytes('newer', 10_000)))
      assert.equal(lab.origin.log('/purged').length, 2)

      const again = await get(a.serving.fetchUrl(url), { method: 'DELETE', headers: { 'X-Kiss-Token': ADMIN } })
      assert.equal((JSON.parse(again.text) as { removed: number }).removed, 3)
      lab.origin.serve('/purged', { body: bytes('newest', 10_000), etag: '"3"' })
      for (const answer of await everywhere(url)) assert.ok(answer.body.equals(bytes('newest', 10_000)))
      assert.equal(lab.origin.log('/purged').length, 3)
    })

    it('asks the origin for the right of each client, whichever worker it comes to', async () => {
      const body = bytes('private', 100_000)
      const rights = new Rights(lab.origin, '/private').give({ body, etag: '"p"' }, 'token-one', 'token-two')
      const url = lab.origin.url('/private')
      for (const token of ['token-one', 'token-two'])
        for (const answer of await everywhere(url, { 'PRIVATE-TOKEN': token })) assert.ok(answer.body.equals(body))
      for (const answer of await everywhere(url, { 'PRIVATE-TOKEN': 'token-of-a-stranger' }))
        assert.equal(answer.status, 401)
      for (const answer of await everywhere(url)) assert.equal(answer.status, 401)
      assert.equal(rights.asked.filter(({ method, sent }) => method === 'GET' && sent >= body.length).length, 1)
    })

    it('counts what all workers of all nodes have served, once', async () => {
      const before = await settled()
      const body = bytes('counted', 50_000)
      lab.origin.serve('/counted', { body, etag: '"c"' })
      const answers = await everywhere(lab.origin.url('/counted'))
      const after = await settled()
      assert.equal(
        after.upload - before.upload,
        answers.reduce((sum, answer) => sum + answer.body.length, 0),
      )
      assert.equal(after.requests - before.requests, answers.length)
      assert.equal(after.download - before.download, body.length)
    })

    /** The status over all nodes, when each has told the others of its last request: every node says the same then. */
    async function settled() {
      let all: Totals[] = []
      await until('every node says the sum of what each counts', async () => {
        all = await Promise.all(lab.cluster.nodes.map(totals))
        const [requests, upload] = await Promise.all([total('kiss_requests_total'), total('kiss_served_bytes_total')])
        return all.every((said) => said.requests === requests && said.upload === upload)
      })
      return all[0]!
    }

    /** Of a counter, over the nodes: each tells its own. */
    async function total(name: string): Promise<number> {
      const texts = await Promise.all(lab.cluster.nodes.map(({ serving }) => get(`${serving.url}metrics`)))
      const counts = texts.flatMap(({ text }) => [...text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'gm'))])
      return counts.reduce((sum, [, count]) => sum + Number(count), 0)
    }
  })
}

interface Totals {
  readonly upload: number
  readonly requests: number
  readonly download: number
}

async function totals(node: Node): Promise<Totals> {
  const status = await node.serving.status()
  const of = (key: string): number => Number(status[`statistics_${key}`])
  return { upload: of('upload'), requests: of('requests'), download: of('download') }
}

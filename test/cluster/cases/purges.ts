import assert from 'node:assert/strict'
import { get, open, post, readAll } from '../../server/support/client.js'
import { ADMIN, type Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'
import { until } from '../../support/until.js'
import type { Lab as GithubLab } from '../../plugins/github/lab.js'

const admin = { 'X-Kiss-Token': ADMIN }

/** Purges that one node receives and every node applies. */
export function purges(lab: ClusterLab, { github }: { readonly github: () => GithubLab['github'] }): void {
  describe('a purge in a cluster', () => {
    let a: Node, b: Node, c: Node
    before(() => {
      ;[a, b, c] = lab.cluster.nodes as [Node, Node, Node]
    })

    async function removed({ serving }: Node, query: string): Promise<number> {
      const answer = await get(`${serving.url}api/v1/entries/?${query}`, { method: 'DELETE', headers: admin })
      assert.equal(answer.status, 200, answer.text)
      return (JSON.parse(answer.text) as { removed: number }).removed
    }
    const stored = async ({ serving }: Node, url: string): Promise<number> =>
      (await serving.fetch(url, { headers: { 'Cache-Control': 'only-if-cached' } })).status

    it('by a name that one node knows removes the artifact from all of them', async () => {
      const repository = `${github().url}/lab/open/releases`
      const [tag, latest] = [`${repository}/download/v1.2/Image.gz`, `${repository}/latest/download/Image.gz`]
      assert.equal((await a.serving.fetch(latest)).status, 200)
      assert.equal((await b.serving.fetch(tag)).status, 200)
      const query = `url=${encodeURIComponent(latest)}`
      assert.equal(await removed(c, `${query}&dry-run=true`), 2)
      assert.equal(await removed(c, query), 2)
      assert.deepEqual([await stored(a, tag), await stored(a, latest), await stored(b, tag)], [504, 504, 504])
    })

    it('by the beginning of an id works at a node that does not have the entry', async () => {
      lab.origin.serve('/one', { body: bytes('one', 1_000) })
      await a.serving.fetch(lab.origin.url('/one'))
      const { entries } = JSON.parse((await get(`${a.serving.url}api/v1/entries/`, { headers: admin })).text) as {
        entries: { id: string; url: string }[]
      }
      const { id } = entries.find(({ url }) => url === lab.origin.url('/one'))!
      assert.equal(await removed(c, `id=${id.slice(0, 12)}`), 1)
      assert.equal(await stored(a, lab.origin.url('/one')), 504)
    })

    it('by a pattern also removes a copy that is on its way from node to node', async () => {
      // Above 52 MB ranges are requested in parallel.
      const body = bytes('copied', 48_000_000)
      lab.origin.serve('/copied', { body, etag: '"copied"' })
      const url = lab.origin.url('/copied')
      await a.serving.fetch(url)
      const reading = await open(b.serving.fetchUrl(url))
      lab.cluster.freeze(a)
      const records = (): Promise<string> => lab.cluster.redis.command('XLEN kiss:1:kiss:log')
      const before = await records()
      const purged = removed(c, `match=${encodeURIComponent('**/copied')}`)
      await until('every node can read of the purge', async () => (await records()) !== before)
      lab.cluster.thaw(a)
      await purged
      assert.ok((await readAll(reading)).body.equals(body))
      assert.equal(lab.origin.log('/copied').length, 1)
      await until('node 1 obeys', async () => (await stored(a, url)) === 504)
      assert.equal(await stored(b, url), 504)
    })

    it('of hundreds of entries by a form of the dashboard reaches the other nodes', async () => {
      const urls = Array.from({ length: 240 }, (_, i) => lab.origin.url(`/many/${i}`))
      urls.forEach((url) => lab.origin.serve(new URL(url).pathname, { body: bytes(url, 100) }))
      // A node that gets all at once on a busy machine may lose leases, and what it stored without one is removed.
      for (let i = 0; i < urls.length; i += 24) {
        const answers = await Promise.all(urls.slice(i, i + 24).map((url) => a.serving.fetch(url)))
        assert.ok(answers.every(({ status }) => status === 200))
      }
      await b.serving.fetch(urls[0]!)
      const page = await get(`${a.serving.url}entries/purge?q=%2Fmany%2F`, { headers: admin })
      const fields = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
      const form = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
      const answer = await post(`${a.serving.url}entries/purge`, form, admin)
      assert.equal(answer.headers.location, '/resources/successes/?removed=241')
      assert.equal(await stored(b, urls[0]!), 504)
    })
  })
}

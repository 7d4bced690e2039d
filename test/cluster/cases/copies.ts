import assert from 'node:assert/strict'
import { get, open, post, readAll } from '../../server/support/client.js'
import { ADMIN, TOKEN, type Node } from '../../support/cluster.js'
import type { ClusterLab } from '../../support/cluster-lab.js'
import { bytes, latch, type Latch } from '../../support/origin.js'
import { until } from '../../support/until.js'

const SIZE = 1_000_000
const HALF = SIZE / 2

/** `--copies 2`: a second node follows each download, and the bytes outlive the node that downloads. */
export function copies(lab: ClusterLab): void {
  describe('a cluster with --copies 2', () => {
    const stalls: Latch[] = []
    let n = 0
    after(() => {
      for (const stall of stalls) stall.open()
    })

    /** The first answer stops at half. */
    const artifact = (more: object = {}) => {
      const path = `/copied/${++n}`
      const body = bytes(path, SIZE)
      const stall = latch()
      stalls.push(stall)
      const served = { body, etag: `"${path}"`, ...more }
      lab.origin.script(path, [{ ...served, stall: { after: HALF, until: stall.opened } }, served])
      const downloaded = (): number =>
        lab.origin.log(path).reduce((sum, { method, sent }) => sum + (method === 'GET' ? sent : 0), 0)
      return { path, body, stall, url: lab.origin.url(path), downloaded }
    }

    /** Starts a download at the first node, and waits until another one has all that there is. */
    const half = async (url: string, headers = {}) => {
      const [first, ...others] = lab.cluster.nodes as [Node, ...Node[]]
      const before = await Promise.all(others.map(filled))
      const leading = readAll(await open(first.serving.fetchUrl(url), { headers }))
      let second: Node | undefined
      await until('another node follows', async () => {
        const now = await Promise.all(others.map(filled))
        second = others.find((_, i) => now[i]! - before[i]! >= HALF)
        return second !== undefined
      })
      const third = others.find((node) => node !== second)
      return { leading, first, second: second!, third: third! }
    }

    it('goes on at a third node with the bytes of the second when the first is killed', async () => {
      const { url, body, downloaded, path } = artifact()
      const { leading, first, third } = await half(url)
      await lab.cluster.kill(first)
      assert.equal((await leading).complete, false)
      const answer = await third.serving.fetch(url)
      assert.equal(answer.complete, true)
      assert.ok(answer.body.equals(body))
      assert.equal(lab.origin.log(path).length, 2)
      assert.equal(downloaded(), SIZE)
    })

    it('goes on at the second node itself, also for a client that has come before', async () => {
      const { url, body, downloaded } = artifact()
      const { first, second } = await half(url)
      const early = readAll(await open(second.serving.fetchUrl(url)))
      await lab.cluster.kill(first)
      for (const answer of [await early, await second.serving.fetch(url)]) {
        assert.equal(answer.complete, true)
        assert.ok(answer.body.equals(body))
      }
      assert.equal(downloaded(), SIZE)
    })

    it('stores the copy, so that nothing is downloaded again when the first node is gone', async () => {
      const { url, body, stall, downloaded } = artifact()
      const { leading, first, second, third } = await half(url)
      stall.open()
      assert.ok((await leading).body.equals(body))
      await until('the copy is stored', async () => (await listed(second)).includes(url))
      await lab.cluster.kill(first)
      assert.ok((await third.serving.fetch(url)).body.equals(body))
      assert.equal(downloaded(), SIZE)
    })

    it('asks the origin for the right of each client to a private copy', async () => {
      const headers = { 'PRIVATE-TOKEN': 'the-right-token-of-a-client' }
      const { url, body, downloaded } = artifact({ requires: { 'private-token': headers['PRIVATE-TOKEN'] } })
      const { first, second, third } = await half(url, headers)
      const stranger = { 'PRIVATE-TOKEN': 'the-token-of-a-stranger' }
      assert.equal((await second.serving.fetch(url, { headers: stranger })).status, 401)
      assert.equal((await second.serving.fetch(url)).status, 401)
      await lab.cluster.kill(first)
      assert.equal((await third.serving.fetch(url, { headers: stranger })).status, 401)
      const answer = await third.serving.fetch(url, { headers })
      assert.ok(answer.body.equals(body))
      assert.equal((await third.serving.fetch(url)).status, 401)
      assert.equal(downloaded(), SIZE)
    })

    it('follows nothing for a request without the token of the cluster', async () => {
      const url = `${lab.cluster.nodes[0]!.serving.url}api/v1/peer/${'b'.repeat(64)}/follow`
      const form = { url: lab.origin.url('/never'), access: 'public', lifetime: '1000' }
      assert.equal((await post(url, form)).status, 401)
      assert.equal((await post(url, { url: 'no URL' }, { 'X-Kiss-Token': TOKEN })).status, 400)
      assert.equal(lab.origin.log('/never').length, 0)
    })
  })
}

async function filled(node: Node): Promise<number> {
  const { text } = await get(`${node.serving.url}metrics`)
  return Number(/^kiss_peer_bytes_total\{.*filled.*\} (\d+)/m.exec(text)?.[1])
}

async function listed(node: Node): Promise<string[]> {
  const { text } = await get(`${node.serving.url}api/v1/entries/`, { headers: { 'X-Kiss-Token': ADMIN } })
  return (JSON.parse(text) as { entries: { url: string }[] }).entries.map(({ url }) => url)
}

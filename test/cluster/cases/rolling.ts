import assert from 'node:assert/strict'
import { get } from '../../server/support/client.js'
import type { Node } from '../../support/cluster.js'
import { isStrict, type ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'
import { fetchResuming } from '../../support/resuming.js'
import { until } from '../../support/until.js'

const CLIENTS = isStrict ? 8 : 4
/** Bytes. */
const SIZES = [20_000, 300_000, isStrict ? 4_000_000 : 1_500_000]
/** Bytes a second: the large artifacts take some seconds, so that each stop meets downloads. */
const RATE = isStrict ? 1_500_000 : 600_000
/** A client takes a new artifact so often, and else one that others may have taken before. */
const NEW = 3

/** All nodes are stopped and started again, one after the other, while clients read through HAProxy. */
export function rolling(lab: ClusterLab): void {
  describe('a rolling restart of three nodes under load', function () {
    this.timeout(120_000)
    it('fails no client, and downloads nothing again', async () => {
      const artifacts: { readonly path: string; readonly body: Buffer }[] = []
      const create = () => {
        const path = `/rolling/${artifacts.length}`
        const body = bytes(path, SIZES[artifacts.length % SIZES.length]!)
        lab.origin.script(path, [{ body, etag: `"${path}"`, throttle: RATE }])
        const artifact = { path, body }
        artifacts.push(artifact)
        return artifact
      }
      let isOver = false
      let [taken, cuts] = [0, 0]
      const client = async (): Promise<void> => {
        while (!isOver) {
          const isNew = taken++ % NEW === 0
          const { path, body } = isNew ? create() : artifacts[(taken * 7) % artifacts.length]!
          cuts += await fetchResuming(lab.haproxy.fetchUrl(lab.origin.url(path)), body)
        }
      }
      const clients = Promise.all(Array.from({ length: CLIENTS }, client))
      const restarts = async (): Promise<void> => {
        for (const node of lab.cluster.nodes) {
          await lab.cluster.stop(node)
          await lab.cluster.restart(node)
          const before = await requests(node)
          await until('HAProxy sends clients to it again', async () => (await requests(node)) > before)
        }
      }
      await Promise.race([clients, restarts()])
      isOver = true
      await clients
      const sent = artifacts.flatMap(({ path }) => lab.origin.log(path)).reduce((sum, each) => sum + each.sent, 0)
      const ratio = sent / artifacts.reduce((sum, { body }) => sum + body.length, 0)
      if (isStrict) process.stderr.write(`      ratio ${ratio.toFixed(4)}, ${taken} answers, ${cuts} cuts\n`)
      // Beside other tests the copies lag behind the downloads.
      const most = isStrict ? 1.02 : 1.1
      assert.ok(ratio >= 1 && ratio <= most, `${ratio} bytes of the origin for each distinct byte`)
    })
  })
}

/** Requests of clients that this node has answered. */
async function requests({ serving }: Node): Promise<number> {
  const { text } = await get(`${serving.url}metrics`)
  return [...text.matchAll(/^kiss_requests_total\{.*\} (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** All nodes are stopped and started again, one after the other, while clients read through HAProxy. */
import assert from 'node:assert/strict'
import { get } from '../server/support/client.js'
import { has, TestCluster, type Node } from '../support/cluster.js'
import { Haproxy } from '../support/haproxy.js'
import { Origin, bytes } from '../support/origin.js'
import { fetchResuming } from '../support/resuming.js'
import { until } from '../support/until.js'

const CLIENTS = 8
/** Bytes. */
const SIZES = [20_000, 300_000, 4_000_000]
/** Bytes a second: the large artifacts take some seconds, so that each stop meets downloads. */
const RATE = 1_500_000
/** A client takes a new artifact so often, and else one that others may have taken before. */
const NEW = 3

const describeWithHaproxy = has('redis-server') && has('haproxy') ? describe : describe.skip

describeWithHaproxy('a rolling restart of three nodes under load', function () {
  this.timeout(120_000)
  let origin: Origin
  let cluster: TestCluster
  let haproxy: Haproxy
  before(async () => {
    origin = await Origin.start()
    cluster = await TestCluster.start({ flags: ['--copies', '2', '--drain-timeout', '2s'] })
    haproxy = await Haproxy.start(cluster)
  })
  after(async () => {
    await haproxy.close()
    await cluster.close()
    await origin.close()
  })

  it('fails no client, and downloads nothing again', async () => {
    const artifacts: { readonly path: string; readonly body: Buffer }[] = []
    const create = () => {
      const path = `/rolling/${artifacts.length}`
      const body = bytes(path, SIZES[artifacts.length % SIZES.length]!)
      origin.script(path, [{ body, etag: `"${path}"`, throttle: RATE }])
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
        cuts += await fetchResuming(haproxy.fetchUrl(origin.url(path)), body)
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, client))
    const restarts = async (): Promise<void> => {
      for (const node of cluster.nodes) {
        await cluster.stop(node)
        await cluster.restart(node)
        const before = await requests(node)
        await until('HAProxy sends clients to it again', async () => (await requests(node)) > before)
      }
    }
    await Promise.race([clients, restarts()])
    isOver = true
    await clients
    const sent = artifacts.flatMap(({ path }) => origin.log(path)).reduce((sum, each) => sum + each.sent, 0)
    const ratio = sent / artifacts.reduce((sum, { body }) => sum + body.length, 0)
    if (process.env['KISS_TEST_RATIO'] !== undefined)
      process.stderr.write(`      ratio ${ratio.toFixed(4)}, ${taken} answers, ${cuts} cuts\n`)
    // Beside other tests the copies lag behind the downloads.
    const most = process.env['KISS_TEST_RATIO'] === undefined ? 1.1 : 1.02
    assert.ok(ratio >= 1 && ratio <= most, `${ratio} bytes of the origin for each distinct byte`)
  })
})

/** Requests of clients that this node has answered. */
async function requests({ serving }: Node): Promise<number> {
  const { text } = await get(`${serving.url}metrics`)
  return [...text.matchAll(/^kiss_requests_total\{.*\} (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

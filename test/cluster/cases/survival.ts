import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Node } from '../../support/cluster.js'
import { isStrict, type ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'
import { fetchResuming } from '../../support/resuming.js'
import { until } from '../../support/until.js'

/** Bytes a second of one connection. At a higher rate a busy machine gains nothing by further connections. */
const RATE = isStrict ? 12_000_000 : 5_000_000
const MB = 1_000_000
/** Beside other tests the copies lag behind the download, and what they lack is sent again. */
const LOADED = 1.4
/** Above 52 MB ranges are requested in parallel. */
const SIZES = isStrict ? [100 * MB, 150 * MB, 200 * MB] : [60 * MB]
/** A kill loses less than a freeze, which leaves what lies in the buffers of sockets: a smaller body shows it. */
const KILLED = isStrict ? SIZES : [20 * MB]

/** Nodes are killed and frozen in the middle of large downloads: the origin sends little twice, and no client fails. */
export function survival(lab: ClusterLab): void {
  describe('a cluster that loses the node that downloads', function () {
    this.timeout(120_000)
    const artifact = (name: string, size: number) => {
      const path = `/${name}/${size}`
      const body = bytes(path, size)
      lab.origin.script(path, [{ body, etag: `"${path}"`, throttle: RATE }])
      const sent = (): number => lab.origin.log(path).reduce((sum, each) => sum + each.sent, 0)
      const told = (limit: number): void => {
        const ratio = sent() / size
        if (isStrict)
          process.stderr.write(`      ${path}: ratio ${ratio.toFixed(4)}, ${lab.origin.log(path).length} requests\n`)
        const asked = lab.origin.log(path).map(({ headers: { range = 'all' }, sent: bytes }) => `${range} ${bytes}`)
        assert.ok(
          ratio >= 1 && ratio <= (isStrict ? limit : LOADED),
          `${ratio} bytes of the origin for each byte:\n${asked.join('\n')}`,
        )
      }
      return { url: lab.origin.url(path), body, sent, told }
    }

    /** The node that has the lease of the only download. */
    const holder = async (): Promise<Node> => {
      let found: Node | undefined
      await until('a node has the lease', async () => {
        const [key = ''] = await lab.keys('lease:')
        const value = await lab.cluster.redis.command(`GET ${key}`)
        found = lab.cluster.nodes.find(({ host }) => value.includes(`//${host}:`))
        return found !== undefined
      })
      return found!
    }

    for (const size of KILLED) {
      it(`is killed at half of ${size / MB} MB behind HAProxy`, async () => {
        const { url, body, sent, told } = artifact('hashed', size)
        const clients = Array.from({ length: 4 }, () => fetchResuming(lab.haproxy.fetchUrl(url), body))
        await until('half of it is downloaded', () => sent() > size / 2)
        await lab.cluster.kill(await holder())
        await Promise.all(clients)
        told(1.05)
      })

      it(`is killed at half of ${size / MB} MB while clients read at every node`, async () => {
        const { url, body, sent, told } = artifact('spread', size)
        const first = fetchResuming(lab.cluster.nodes[0]!.serving.fetchUrl(url), body).catch((error: unknown) => error)
        await lab.origin.requested(new URL(url).pathname)
        const others = lab.cluster.nodes.slice(1).map((node) => fetchResuming(node.serving.fetchUrl(url), body))
        await until('half of it is downloaded', () => sent() > size / 2)
        await lab.cluster.kill(lab.cluster.nodes[0]!)
        for (const cuts of await Promise.all(others)) assert.equal(cuts, 0)
        await first
        told(1.05)
      })
    }

    for (const size of SIZES) {
      it(`is frozen for eight seconds in the middle of ${size / MB} MB`, async () => {
        const { url, body, sent, told } = artifact('frozen', size)
        const clients = lab.cluster.nodes.map((node) => fetchResuming(node.serving.fetchUrl(url), body))
        await until('a third of it is downloaded', () => sent() > size / 3)
        const frozen = await holder()
        lab.cluster.freeze(frozen)
        await sleep(8_000)
        lab.cluster.thaw(frozen)
        for (const cuts of await Promise.all(clients)) assert.equal(cuts, 0)
        told(1.1)
      })
    }
  })
}

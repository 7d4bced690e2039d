/** Many clients at once ask for the same artifacts, at every node. */
import assert from 'node:assert/strict'
import { Haproxy } from '../support/haproxy.js'
import { has, TestCluster } from '../support/cluster.js'
import { Origin, bytes } from '../support/origin.js'
import { get } from '../server/support/client.js'

const ARTIFACTS = 100
const CLIENTS = 300

const describeWithRedis = has('redis-server') && has('haproxy') ? describe : describe.skip

for (const workers of [1, 2]) {
  describeWithRedis(
    `a cluster of three nodes with ${workers} ${workers === 1 ? 'worker' : 'workers'} each`,
    function () {
      this.timeout(60_000)
      let origin: Origin
      let cluster: TestCluster
      let haproxy: Haproxy
      let log = ''
      let herds = 0
      before(async () => {
        origin = await Origin.start()
        cluster = await TestCluster.start({ workers })
        for (const { serving } of cluster.nodes)
          serving.running.child.stderr.on('data', (chunk) => (log += String(chunk)))
        haproxy = await Haproxy.start(cluster)
      })
      after(async () => {
        await haproxy.close()
        await cluster.close()
        await origin.close()
      })

      /** Bytes of the origin, over the distinct bytes. */
      async function herd(name: string, address: (url: string) => string): Promise<number> {
        herds++
        const artifacts = Array.from({ length: ARTIFACTS }, (_, i) => {
          const path = `/${name}-${herds}/${i}`
          const body = bytes(path, 20_000 + i)
          origin.script(path, [{ body, etag: `"${path}"`, delay: 20 }])
          return { path, body }
        })
        await Promise.all(
          Array.from({ length: CLIENTS }, async (_, i) => {
            const { path, body } = artifacts[i % ARTIFACTS]!
            const answer = await get(address(origin.url(path)))
            assert.equal(answer.status, 200, answer.text)
            assert.ok(answer.body.equals(body))
          }),
        )
        const sent = artifacts.flatMap(({ path }) => origin.log(path)).reduce((sum, { sent }) => sum + sent, 0)
        return sent / artifacts.reduce((sum, { body }) => sum + body.length, 0)
      }

      it('downloads once what many clients ask for at random nodes', async () => {
        const ratio = await herd('random', (url) => cluster.nodes[Math.floor(Math.random() * 3)]!.serving.fetchUrl(url))
        assertOnce(ratio, log)
      })

      it('downloads once what many clients ask for behind HAProxy', async () => {
        assertOnce(await herd('hashed', (url) => haproxy.fetchUrl(url)), log)
      })
    },
  )
}

/** A node whose call to Redis misses its deadline on a busy machine says so in its log, and downloads once more. */
function assertOnce(ratio: number, log: string): void {
  if (process.env['KISS_TEST_RATIO'] !== undefined) process.stderr.write(`      ratio ${ratio.toFixed(4)}\n`)
  const most = log.includes('Redis does not answer') ? 1.05 : 1
  assert.ok(ratio >= 1 && ratio <= most, `${ratio} bytes of the origin for each distinct byte, at most ${most}`)
}

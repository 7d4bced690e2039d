import assert from 'node:assert/strict'
import { get } from '../../server/support/client.js'
import { isStrict, type ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'

const ARTIFACTS = isStrict ? 100 : 30
const CLIENTS = isStrict ? 300 : 120

/** Many clients at once ask for the same artifacts, at every node. */
export function herd(lab: ClusterLab): void {
  describe('many clients at once', () => {
    let log = ''
    let herds = 0
    before(() => {
      for (const { serving } of lab.cluster.nodes)
        serving.running.child.stderr.on('data', (chunk) => (log += String(chunk)))
    })

    /** Bytes of the origin, over the distinct bytes. */
    async function herd(name: string, address: (url: string) => string): Promise<number> {
      herds++
      const artifacts = Array.from({ length: ARTIFACTS }, (_, i) => {
        const path = `/${name}-${herds}/${i}`
        const body = bytes(path, 20_000 + i)
        lab.origin.script(path, [{ body, etag: `"${path}"`, delay: 20 }])
        return { path, body }
      })
      await Promise.all(
        Array.from({ length: CLIENTS }, async (_, i) => {
          const { path, body } = artifacts[i % ARTIFACTS]!
          const answer = await get(address(lab.origin.url(path)))
          assert.equal(answer.status, 200, answer.text)
          assert.ok(answer.body.equals(body))
        }),
      )
      const sent = artifacts.flatMap(({ path }) => lab.origin.log(path)).reduce((sum, { sent }) => sum + sent, 0)
      return sent / artifacts.reduce((sum, { body }) => sum + body.length, 0)
    }

    it('downloads once what many clients ask for at random nodes', async () => {
      const ratio = await herd('random', (url) =>
        lab.cluster.nodes[Math.floor(Math.random() * 3)]!.serving.fetchUrl(url),
      )
      assertOnce(ratio, log)
    })

    it('downloads once what many clients ask for behind HAProxy', async () => {
      assertOnce(await herd('hashed', (url) => lab.haproxy.fetchUrl(url)), log)
    })
  })
}

/** A node whose call to Redis misses its deadline on a busy machine says so in its log, and downloads once more. */
function assertOnce(ratio: number, log: string): void {
  if (isStrict) process.stderr.write(`      ratio ${ratio.toFixed(4)}\n`)
  const most = log.includes('Redis does not answer') ? 1.05 : 1
  assert.ok(ratio >= 1 && ratio <= most, `${ratio} bytes of the origin for each distinct byte, at most ${most}`)
}

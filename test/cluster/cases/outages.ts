import assert from 'node:assert/strict'
import { get } from '../../server/support/client.js'
import { isStrict, type ClusterLab } from '../../support/cluster-lab.js'
import { bytes } from '../../support/origin.js'

const ARTIFACTS = isStrict ? 40 : 24
const CLIENTS = 3 * ARTIFACTS
/** Clients at a time. */
const AT_ONCE = isStrict ? 20 : 8

/** Redis dies, freezes or forgets in the middle of a herd behind HAProxy: clients notice nothing, and the hash keeps downloads single. */
export function outages(lab: ClusterLab): void {
  describe('a herd behind HAProxy', () => {
    const outages: readonly {
      readonly what: string
      readonly happens: () => Promise<unknown>
      readonly ends: () => Promise<unknown>
    }[] = [
      { what: 'is killed', happens: () => lab.cluster.redis.kill(), ends: () => lab.cluster.redis.start() },
      {
        what: 'freezes',
        happens: () => Promise.resolve(lab.cluster.redis.freeze()),
        ends: () => Promise.resolve(lab.cluster.redis.thaw()),
      },
      { what: 'is flushed', happens: () => lab.cluster.redis.command('FLUSHALL'), ends: () => Promise.resolve() },
      {
        what: 'restarts with an empty memory',
        happens: () => lab.cluster.redis.kill().then(() => lab.cluster.redis.start()),
        ends: () => Promise.resolve(),
      },
    ]
    outages.forEach(({ what, happens, ends }, n) => {
      it(`goes on without a failure when Redis ${what}`, async () => {
        const artifacts = Array.from({ length: ARTIFACTS }, (_, i) => {
          const path = `/outage-${n}/${i}`
          const body = bytes(path, 30_000)
          lab.origin.script(path, [{ body, etag: `"${path}"`, delay: 20 }])
          return { path, body }
        })
        let next = 0
        let answered = 0
        let outage: Promise<unknown> | undefined
        const client = async (): Promise<void> => {
          for (let i = next++; i < CLIENTS; i = next++) {
            const { path, body } = artifacts[i % ARTIFACTS]!
            const answer = await get(lab.haproxy.fetchUrl(lab.origin.url(path)))
            assert.equal(answer.status, 200, answer.text)
            assert.ok(answer.body.equals(body))
            if (++answered === ARTIFACTS / 4) outage = happens()
            await outage
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, client))
        await ends()
        const sent = artifacts.flatMap(({ path }) => lab.origin.log(path)).reduce((sum, each) => sum + each.sent, 0)
        const ratio = sent / artifacts.reduce((sum, { body }) => sum + body.length, 0)
        if (isStrict) process.stderr.write(`      ratio ${ratio.toFixed(4)}\n`)
        // HAProxy moves keys where a node of a busy machine misses two checks.
        assert.ok(ratio >= 1 && ratio < 1.06, `${ratio} bytes of the origin for each distinct byte`)
      })
    })
  })
}

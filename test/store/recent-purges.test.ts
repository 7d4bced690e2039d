import assert from 'node:assert/strict'
import { RecentPurges } from '#kiss/store/recent-purges.js'
import type { Entry } from '#kiss/store/types.js'

describe('the filters of the last purges', () => {
  const now = 1_000_000
  const entry = (url: string, storedAt: number): Entry => ({ id: 'a'.repeat(64), url, storedAt, size: 1 }) as Entry

  for (const all of [undefined, true]) {
    it(`select what they remove and was stored before ${all ? 'among all entries' : 'by themselves'}`, () => {
      const purges = new RecentPurges({ now: () => now })
      purges.note({ match: '**/Image', ...(all && { all }) })
      assert.equal(purges.select(entry('http://origin/Image', now - 1)), true)
      assert.equal(purges.select(entry('http://origin/rootfs', now - 1)), false)
      assert.equal(purges.select(entry('http://origin/Image', now + 1)), false)
    })
  }
})

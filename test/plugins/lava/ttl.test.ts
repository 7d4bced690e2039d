import assert from 'node:assert/strict'
import { ttlText } from '#lava/ttl.js'

describe('a lifetime', () => {
  it('is one number and the largest unit that is exact', () => {
    const texts = [864_000_000, 129_600_000, 3_600_000, 5_400_000, 90_000, 1000].map(ttlText)
    assert.deepEqual(texts, ['10d', '36h', '1h', '90m', '90s', '1s'])
  })

  it('has no fractions of seconds', () => assert.throws(() => ttlText(1500), /--ttl/))
})

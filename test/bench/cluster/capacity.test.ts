import assert from 'node:assert/strict'
import { capacityOf } from './capacity.js'

const text = capacityOf({
  node: 0.5,
  haproxy: 0.4,
  request: 20e-6,
  shares: new Map([
    [3, 1],
    [50, 1.25],
  ]),
  redis: {
    miss: 100e-6,
    filled: 50e-6,
    renewal: 200e-6,
    report: new Map([
      [3, 20e-6],
      [50, 200e-6],
    ]),
  },
  memory: 1024,
})

describe('the arithmetic on the size of a cluster', () => {
  for (const [what, shown] of [
    ['the bytes of a cluster whose busiest node has the mean share', '3 × 10 / 8 / 1.00 = 3.8'],
    ['the bytes of a cluster whose busiest node has more', '50 × 25 / 8 / 1.25 = 125.0'],
    ['the cores of a node', '25 / 8 × 0.50 = 1.6'],
    ['the cores of HAProxy', '125.0 × 0.40 = 50.0'],
    ['the misses of a cluster', '125.0 × 1000 / 10 / 50 = 250'],
    ['the use of Redis', '0.0250 + 0.0125 + 0.0100 = 0.048'],
    ['the misses that fill a core of Redis', '(1 − 0.01) / (100 µs + 50 µs) = 6,600 misses a second'],
    ['the renewals that fill a core of Redis', '64 / 200 µs = 320,000 renewals a second'],
    ['the bytes of one HAProxy core', '1 / 0.40 = 2.5 GB/s'],
    ['the small hits of one HAProxy core', '1 / 20 µs = 50,000 small hits a second'],
    ['the artifacts in the memory of Redis', '520,000 artifacts in 512 MiB'],
  ] as const) {
    it(`shows ${what}`, () => assert.ok(text.replaceAll(/\s+/g, ' ').includes(shown), `${shown} in\n${text}`))
  }
})

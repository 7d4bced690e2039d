import assert from 'node:assert/strict'
import { progressLine, RateMeter, totalLine } from '#kiss/cli/progress-line.js'

const MIB = 1024 ** 2

describe('progress', () => {
  it('shows share, bytes, rate and time left of a known size', () => {
    const line = progressLine({ name: 'Image.gz', received: 10 * MIB, length: 40 * MIB, rate: 5 * MIB }, 100)
    assert.match(line, /^Image\.gz +\[=+ +\] +25% {2}10 MiB of 40 MiB +5 MiB\/s +6s left$/)
  })

  it('has a form of its own for an unknown size, never 100 %', () => {
    const line = progressLine({ name: 'x', received: 3 * MIB, length: undefined, rate: MIB }, 80)
    assert.match(line, /^x +3 MiB, size unknown {2}1 MiB\/s$/)
    assert.match(progressLine({ name: 'x', received: undefined, length: undefined, rate: undefined }, 80), /waiting$/)
  })

  it('drops the words about an unknown size first, then the rate, and cuts nothing', () => {
    const state = { name: 'modules.tar.xz', received: 3 * MIB, length: undefined, rate: 2.5 * MIB }
    const widths = [30, 40, 80].map((columns) => progressLine(state, columns))
    assert.deepEqual(widths, [
      '…es.tar.xz  3 MiB',
      '…dules.tar.xz  3 MiB  2.5 MiB/s',
      'modules.tar.xz  3 MiB, size unknown  2.5 MiB/s',
    ])
  })

  it('fits the terminal', () => {
    const name = 'a'.repeat(200)
    for (const columns of [5, 20, 40, 80, 200]) {
      const line = progressLine({ name, received: MIB, length: 2 * MIB, rate: MIB }, columns)
      assert.ok(line.length < columns, `${columns}: ${line}`)
      assert.ok(totalLine({ done: 1, total: 2, received: MIB, rate: MIB, remaining: MIB }, columns).length < columns)
    }
  })

  it('keeps every part in its place at each width, and drops sizes first, then the rate', () => {
    const state = { name: 'Image.gz', received: 10 * MIB, length: 40 * MIB, nameWidth: 12 }
    for (const columns of [30, 40, 80, 200]) {
      const before = progressLine({ ...state, rate: undefined }, columns)
      const line = progressLine({ ...state, rate: 5 * MIB }, columns)
      assert.equal(before.indexOf('%'), line.indexOf('%'), `${columns} columns`)
      assert.ok(line.length < columns)
      assert.match(line, /25%/)
      assert.equal(/6s left/.test(line), columns >= 40, line)
      assert.equal(/5 MiB\/s/.test(line), columns >= 80, line)
      assert.equal(/10 MiB of 40 MiB/.test(line), columns >= 200, line)
      assert.equal(/\[=/.test(line), /\[=/.test(before), 'the bar stays when the rate appears')
      if (columns >= 80) assert.match(line, /\[=/)
    }
  })

  it('sums up, with time left once every size is known', () => {
    const state = { done: 3, total: 12, received: 120 * MIB, rate: 20 * MIB }
    assert.equal(totalLine({ ...state, remaining: 60 * MIB }, 80), '3 of 12 done  120 MiB  20 MiB/s  3s left')
    assert.equal(totalLine({ ...state, remaining: undefined }, 80), '3 of 12 done  120 MiB  20 MiB/s')
  })

  it('measures the rate over the last seconds, not since the start', () => {
    const meter = new RateMeter()
    assert.equal(meter.rate(), undefined)
    for (let second = 0; second <= 20; second++) meter.add(second * 1000, second < 10 ? 0 : (second - 10) * 1000)
    assert.equal(meter.rate(), 1000)
  })
})

import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import {
  formatDuration,
  formatMoney,
  formatPrice,
  formatRate,
  formatRoughly,
  formatSize,
  parseDuration,
  parsePrice,
  parseSize,
} from '#kiss/units.js'

function usage(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KissError && error.code === 'usage' && pattern.test(error.message)
}

describe('units', () => {
  it('reads sizes, SI and binary, in any unambiguous case', () => {
    const cases: [string, number][] = [
      ['4096', 4096],
      ['0', 0],
      ['10B', 10],
      ['10GiB', 10 * 1024 ** 3],
      ['10gib', 10 * 1024 ** 3],
      ['10G', 10 * 1024 ** 3],
      ['500MB', 500_000_000],
      ['500mb', 500_000_000],
      ['1.5GiB', 1.5 * 1024 ** 3],
      ['1.5 GiB', 1.5 * 1024 ** 3],
      ['2TB', 2e12],
      ['1kB', 1000],
    ]
    for (const [text, bytes] of cases) assert.equal(parseSize(text, '--quota'), bytes, text)
  })

  it('refuses what is no size and names the flag', () => {
    for (const text of ['', 'ten', '10XB', '-1', '1e3', '10 GiB GiB', '.5G', '10Gb', '1,5GB', '٣GiB', 'NaN']) {
      assert.throws(() => parseSize(text, '--quota'), usage(/^--quota: ".*" is not a size/), text)
    }
    assert.throws(() => parseSize('99999999PiB', '--quota'), usage(/too large/))
  })

  it('reads durations, combinations, and a plain number as seconds', () => {
    const cases: [string, number][] = [
      ['500ms', 500],
      ['30s', 30_000],
      ['15m', 900_000],
      ['12h', 43_200_000],
      ['10d', 864_000_000],
      ['1w', 604_800_000],
      ['1h30m', 5_400_000],
      ['1d 12H', 129_600_000],
      ['1.5h', 5_400_000],
      ['90', 90_000],
      ['0', 0],
      ['1s500ms', 1500],
    ]
    for (const [text, ms] of cases) assert.equal(parseDuration(text, 'ttl'), ms, text)
  })

  it('refuses what is no duration and names the parameter', () => {
    for (const text of ['', 'soon', '10y', '-5s', '10M', '30m1h', '1h1h', '1e9', 's', '5 s', '1h-30m', '٣s']) {
      assert.throws(() => parseDuration(text, 'ttl'), usage(/^ttl: ".*" is not a duration/), text)
    }
    assert.throws(() => parseDuration('99999999999d', 'ttl'), usage(/longer than 100 years/))
  })

  it('shows at most a short and printable part of what a stranger wrote', () => {
    assert.throws(() => parseSize('x'.repeat(5000), 'q'), usage(/^q: "x{40}…" is/))
    assert.throws(() => parseSize('a\nb\u0007', 'q'), usage(/^q: "a\\nb\\u0007" is/))
  })

  it('shows sizes for people', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1 KiB'],
      [1536, '1.5 KiB'],
      [1.4 * 1024 ** 3, '1.4 GiB'],
      [1024 ** 3 - 1, '1 GiB'],
      [123.4 * 1024 ** 2, '123 MiB'],
      [12.34 * 1024 ** 2, '12.3 MiB'],
      [5 * 1024 ** 6, '5120 PiB'],
    ]
    for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text)
    assert.equal(formatRate(2.5 * 1024 ** 2), '2.5 MiB/s')
  })

  it('shows durations for people', () => {
    const cases: [number, string][] = [
      [0, '0s'],
      [350, '350ms'],
      [45_000, '45s'],
      [61_000, '1m 1s'],
      [3_600_000, '1h'],
      [76 * 3_600_000, '3d 4h'],
      [-120_000, '-2m'],
    ]
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
  })

  it('rounds a duration to its largest unit: ten days less a minute are ten days', () => {
    const day = 86_400_000
    assert.deepEqual([10 * day - 60_000, 23.9 * 3_600_000, 1.4 * day, 90_000, 59_600, 300].map(formatRoughly), [
      '10d',
      '1d',
      '1d',
      '2m',
      '1m',
      '300ms',
    ])
  })

  it('reads a price with its currency before or after, and shows money so', () => {
    const cases: [string, number, string, string][] = [
      ['0.09', 0.09, '', '0.50'],
      ['0.09 USD', 0.09, 'USD', '0.50 USD'],
      ['EUR 1', 1, 'EUR', '0.50 EUR'],
      ['$0.09', 0.09, '$', '$0.50'],
      ['2€', 2, '€', '€0.50'],
    ]
    for (const [text, amount, unit, shown] of cases) {
      assert.deepEqual(parsePrice(text, '--egress-price'), { amount, unit })
      assert.equal(formatMoney(0.5, unit), shown)
    }
    for (const text of ['', 'USD', '-1', '$1 USD', '0.09 US dollars', '1,5']) {
      assert.throws(() => parsePrice(text, '--egress-price'), usage(/^--egress-price: .* is not a price/))
    }
    assert.deepEqual([formatMoney(999.999, ''), formatMoney(145_080.4, 'USD')], ['1,000.00', '145,080 USD'])
    assert.equal(formatPrice({ amount: 0.09, unit: 'USD' }), '0.09 USD')
  })
})

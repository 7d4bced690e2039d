import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { parseAddress, showAddress } from '#kiss/http/addresses.js'
import { formsOf, restriction } from '#kiss/upstream/restrictions.js'
import { Guard } from '#kiss/upstream/guard.js'
import { parseRules } from '#kiss/upstream/rules.js'
import { bytes } from '../support/bytes.js'

/** Numbers below `limit`, the same in every run. */
function numbers(seed: string): (limit: number) => number {
  const pool = bytes(seed, 4_000_000)
  let at = 0
  return (limit) => pool.readUInt32LE((at = (at + 4) % (pool.length - 4))) % limit
}

const RUNS = 20_000

describe('the address guard, fuzzed', () => {
  // Collecting the stacks of the refusals takes longer than the refusals.
  const frames = Error.stackTraceLimit
  before(() => (Error.stackTraceLimit = 0))
  after(() => (Error.stackTraceLimit = frames))

  it('judges an IPv4 address alike in all its spellings and forms', () => {
    const next = numbers('addresses')
    const guard = new Guard({})
    const verdict = (host: string) => {
      try {
        guard.checkUrl(new URL(`http://${host}/`))
        return 'allowed'
      } catch (error) {
        assert.ok(error instanceof KissError, host)
        return error.message.replace(/^.* is /, '')
      }
    }
    for (let n = 0; n < RUNS; n++) {
      // Half of them from the restricted blocks, of which a random address is seldom one.
      const first = n % 2 === 0 ? next(256) : [0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255][next(11)]!
      const parts = [first, next(256), next(256), next(256)]
      const plain = parts.join('.')
      const number = parts.reduce((sum, part) => sum * 256 + part, 0)
      const hex = parts.map((part) => part.toString(16).padStart(2, '0'))
      const mapped = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`
      const expected = verdict(plain)
      const spellings = [`${number}`, `0x${number.toString(16)}`, parts.map((part) => `0${part.toString(8)}`).join('.')]
      spellings.push(`${first}.${number % 2 ** 24}`, `[::ffff:${plain}]`, `[::ffff:${mapped}]`, `[64:ff9b::${mapped}]`)
      for (const spelling of spellings) assert.equal(verdict(spelling), expected, `${spelling} for ${plain}`)
    }
  })

  it('reads back every address that it shows', () => {
    const next = numbers('shown')
    for (let n = 0; n < RUNS; n++) {
      const groups = Array.from({ length: 8 }, () => (next(3) === 0 ? next(65_536) : 0))
      const address = parseAddress(groups.map((group) => group.toString(16)).join(':'))!
      assert.deepEqual(parseAddress(showAddress(address)), address)
      for (const form of formsOf(address)) restriction(form)
    }
  })

  it('answers nonsense with an error of its own, or not at all', () => {
    const next = numbers('nonsense')
    const pieces = [
      '127',
      '.',
      ':',
      '[',
      ']',
      '/',
      '::',
      '%',
      '*',
      'a',
      'é',
      '0x',
      '1',
      '-',
      '@',
      ' ',
      '\0',
      'ffff',
      '..',
      '#',
    ]
    for (let n = 0; n < RUNS; n++) {
      const text = Array.from({ length: next(8) }, () => pieces[next(pieces.length)]).join('')
      for (const read of [
        () => parseRules([text], 'allow-upstream'),
        () => new Guard({}).checkAddress(text, text, 80),
      ]) {
        try {
          read()
        } catch (error) {
          assert.ok(error instanceof KissError, `${JSON.stringify(text)}: ${String(error)}`)
        }
      }
    }
  })
})

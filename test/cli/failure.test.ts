import assert from 'node:assert/strict'
import { failureLine, failureOf } from '#kiss/cli/failure.js'
import { KissError } from '#kiss/errors.js'

describe('failures of the command line', () => {
  it('shows a KissError in one line with its hint', () => {
    const failure = failureOf(new KissError('quota', 'too\n  large'))
    assert.ok(failure)
    assert.equal(failure.exit, 6)
    assert.equal(failureLine(failure), 'kiss: too large; raise --quota')
  })

  it('never repeats the value of a flag or an argument that does not exist', () => {
    const flags = Object.assign(new Error('Nonexistent flag: --token=secret'), {
      oclif: { exit: 2 },
      flags: ['--token=secret'],
    })
    assert.equal(failureOf(flags)?.message, 'there is no flag --token')
    const args = Object.assign(new Error('Unexpected argument: secret'), { oclif: { exit: 2 }, args: ['secret'] })
    assert.doesNotMatch(failureOf(args)?.message ?? '', /secret/)
  })

  it('guesses the flag that was meant, and knows what other programs call it', () => {
    const unknown = (flag: string) =>
      failureOf(
        Object.assign(new Error('Nonexistent flag'), {
          oclif: { exit: 2 },
          flags: [flag],
          parse: { input: { flags: { offline: {}, directory: {} } } },
        }),
      )?.hint
    assert.equal(unknown('--ofline'), 'did you mean --offline?')
    assert.equal(unknown('--output-dir=x'), 'the flag is --directory')
    assert.equal(unknown('-k'), 'name the certificate with --ca-file')
    assert.equal(unknown('--nonsense'), undefined)
  })

  it('calls everything else a bug', () => {
    assert.deepEqual(failureOf(new TypeError('x is not a function')), {
      exit: 1,
      code: 'internal',
      message: 'a bug: TypeError: x is not a function',
      hint: 'DEBUG=kiss shows where',
      bug: true,
    })
  })

  it('says which limit to raise when no file can be opened', () => {
    const limit = Object.assign(new Error("EMFILE: too many open files, open 'save.js'"), { code: 'EMFILE' })
    const hint = 'raise the limit of open files (ulimit -n)'
    assert.deepEqual(failureOf(limit), {
      exit: 6,
      code: 'disk',
      message: "EMFILE: too many open files, open 'save.js'",
      hint,
      bug: false,
    })
    const plugin = new KissError('configuration', 'plugin x: its providers do not load', { cause: limit })
    assert.equal(failureOf(plugin)?.exit, 2)
    assert.equal(failureOf(plugin)?.hint, hint)
  })

  it('keeps the exit code that a command of a plugin chose', () => {
    assert.equal(failureOf(Object.assign(new Error('x'), { oclif: { exit: 7 } }))?.exit, 7)
    assert.equal(failureOf(Object.assign(new Error('EEXIT: 0'), { code: 'EEXIT', oclif: { exit: 0 } })), undefined)
  })
})

import assert from 'node:assert/strict'
import { KissError, asKissError, systemCode } from '#kiss/errors.js'

describe('errors', () => {
  it('takes status and exit code from the table, and an own status before it', () => {
    assert.deepEqual([new KissError('quota', 'full').status, new KissError('quota', 'full').exit], [507, 6])
    assert.equal(new KissError('origin-refused', 'no', { status: 404 }).status, 404)
  })

  it('keeps the cause when it wraps', () => {
    const cause = Object.assign(new Error('no room'), { code: 'ENOSPC' })
    const error = asKissError(cause, 'disk', 'cannot write body')
    assert.equal(error.message, 'cannot write body: no room')
    assert.equal(error.cause, cause)
    assert.equal(systemCode(error), 'ENOSPC')
  })

  it('leaves a KissError as it is', () => {
    const error = new KissError('loop', 'a loop')
    assert.equal(asKissError(error, 'internal'), error)
  })

  it('recognises an error of another copy of kiss, such as one that a plugin brought', async () => {
    const copy = (await import(`${import.meta.resolve('#kiss/errors.js')}?copy`)) as { KissError: typeof KissError }
    assert.notEqual(copy.KissError, KissError)
    const error = new copy.KissError('quota', 'full')
    assert.ok(error instanceof KissError)
    assert.equal(asKissError(error), error)
    assert.ok(!(new Error('full') instanceof KissError))
  })
})

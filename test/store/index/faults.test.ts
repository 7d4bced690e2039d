import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { faultOf, indexError, isReplaceable } from '#kiss/store/index/database.js'

describe('the faults of an index', () => {
  const sqlite = (code: string) => Object.assign(new Error(`${code}: what it says`), { code, errno: 1 })

  it('are told from the code of SQLite', () => {
    assert.equal(faultOf(sqlite('SQLITE_CORRUPT')), 'damaged')
    assert.equal(faultOf(sqlite('SQLITE_NOTADB')), 'damaged')
    assert.equal(faultOf(sqlite('SQLITE_BUSY')), 'locked')
    assert.equal(faultOf(sqlite('SQLITE_CANTOPEN')), 'failing')
    assert.equal(faultOf(sqlite('SQLITE_FULL')), 'failing')
    assert.equal(faultOf(sqlite('SQLITE_READONLY')), 'failing')
    assert.equal(faultOf(sqlite('ENOENT')), undefined)
    assert.equal(faultOf('SQLITE_CORRUPT'), undefined)
  })

  it('call for a new file where the old one is damaged, a directory, or closed to this user', () => {
    for (const code of ['SQLITE_CORRUPT', 'EISDIR', 'EACCES']) assert.equal(isReplaceable(sqlite(code)), true, code)
    for (const code of ['SQLITE_BUSY', 'SQLITE_CANTOPEN', 'EMFILE', 'EROFS'])
      assert.equal(isReplaceable(sqlite(code)), false, code)
  })

  it('become a KissError of the disk that keeps its cause, and nothing else does', () => {
    const cause = sqlite('SQLITE_FULL')
    const error = indexError(cause)
    assert.ok(error instanceof KissError)
    assert.deepEqual([error.code, error.cause], ['disk', cause])
    const another = new Error('another')
    assert.equal(indexError(another), another)
  })
})

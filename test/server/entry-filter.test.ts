import assert from 'node:assert/strict'
import { formatEntryFilter, isEmptyFilter, parseEntryFilter } from '#kiss/server/entry-filter.js'

describe('filters of entries in a query', () => {
  it('go there and back', () => {
    const filter = {
      stale: true,
      dryRun: true,
      olderThan: 86_400_000,
      unusedFor: 1_500,
      largerThan: 1024,
      match: 'https://*/a b/**&c',
      urls: [new URL('https://h/a?b=c&d'), new URL('http://i/')],
    }
    assert.deepEqual(parseEntryFilter(formatEntryFilter(filter)), filter)
    assert.deepEqual(parseEntryFilter('older-than=30d&all=true'), { olderThan: 30 * 86_400_000, all: true })
  })

  it('refuse what they do not know, rather than removing too much', () => {
    for (const query of [
      'olderthan=30d',
      'stale=1',
      'stale',
      'older-than=soon',
      'larger-than=-1',
      'url=x',
      '__proto__=1',
      `match=${'*'.repeat(1001)}`,
    ]) {
      assert.throws(() => parseEntryFilter(query), { name: 'KissError', status: 400 }, query)
    }
  })

  it('are empty when nothing is chosen', () => {
    assert.equal(isEmptyFilter(parseEntryFilter('')), true)
    assert.equal(isEmptyFilter(parseEntryFilter('dry-run=true&all=false')), true)
    assert.equal(isEmptyFilter(parseEntryFilter('match=x')), false)
  })
})

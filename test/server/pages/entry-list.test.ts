import assert from 'node:assert/strict'
import { listQueryText, paged, readListQuery } from '#kiss/server/pages/entry-list.js'
import { sortKeys } from '#kiss/store/listing.js'

const everything = { search: '', host: '', state: undefined, largerThan: undefined }

const read = (text: string, page = ''): ReturnType<typeof readListQuery> =>
  readListQuery(new URLSearchParams(text), page)

describe('the list of entries', () => {
  it('reads sense out of an address, whatever it says', () => {
    assert.deepEqual(read(''), { ...everything, sort: 'used', reverse: false, page: 1 })
    assert.deepEqual(read('q=+a+&sort=size&order=reverse', '12'), {
      ...everything,
      search: 'a',
      sort: 'size',
      reverse: true,
      page: 12,
    })
    assert.deepEqual(read('sort=toString&order=x', '0'), { ...everything, sort: 'used', reverse: false, page: 1 })
  })

  it('writes an address that reads the same', () => {
    const choice = { search: 'a&b=c #é', host: 'a.example:8443', state: 'stale' as const, largerThan: 1024 }
    for (const sort of sortKeys) {
      for (const reverse of [false, true]) {
        const query = { ...choice, sort, reverse }
        assert.deepEqual(read(listQueryText(query)), { ...query, page: 1 })
      }
    }
    assert.equal(listQueryText({ ...everything, sort: 'used', reverse: false }), '')
  })

  it('takes the order of KissCache by the names of its fields, ascending without a minus', () => {
    for (const [order, sort, reverse] of [
      ['url', 'url', false],
      ['-url', 'url', true],
      ['content_length', 'size', true],
      ['-content_length', 'size', false],
      ['-last_usage', 'used', false],
      ['last_usage', 'used', true],
      ['-usage', 'hits', false],
      ['created_at', 'age', true],
      ['ttl', 'fresh', false],
      ['-status_code', 'used', false],
      ['toString', 'used', false],
    ] as const)
      assert.deepEqual([read(`order=${order}`).sort, read(`order=${order}`).reverse], [sort, reverse], order)
  })

  it('takes a page beyond the last one for the last one', () => {
    const items = Array.from({ length: 101 }, (_, n) => n)
    assert.deepEqual(paged(items, 2).items, items.slice(50, 100))
    assert.deepEqual(paged(items, 99), { items: [100], total: 101, page: 3 })
    assert.deepEqual(paged([], 5), { items: [], total: 0, page: 1 })
  })
})

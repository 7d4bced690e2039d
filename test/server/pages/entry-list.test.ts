import assert from 'node:assert/strict'
import { listEntries, listQueryText, paged, readListQuery, sortKeys } from '#kiss/server/pages/entry-list.js'
import { entries } from '../support/dashboard.js'

const read = (text: string, page = ''): ReturnType<typeof readListQuery> =>
  readListQuery(new URLSearchParams(text), page)

describe('the list of entries', () => {
  it('reads sense out of an address, whatever it says', () => {
    assert.deepEqual(read(''), { search: '', sort: 'used', reverse: false, page: 1 })
    assert.deepEqual(read('q=+a+&sort=size&order=reverse', '12'), {
      search: 'a',
      sort: 'size',
      reverse: true,
      page: 12,
    })
    assert.deepEqual(read('sort=toString&order=x', '0'), { search: '', sort: 'used', reverse: false, page: 1 })
  })

  it('writes an address that reads the same', () => {
    for (const sort of sortKeys) {
      for (const reverse of [false, true]) {
        const query = { search: 'a&b=c #é', sort, reverse }
        assert.deepEqual(read(listQueryText(query)), { ...query, page: 1 })
      }
    }
    assert.equal(listQueryText({ search: '', sort: 'used', reverse: false }), '')
  })

  it('finds a part of a URL in any case', () => {
    const { items, total } = listEntries(entries, read('q=ROCK-pi'))
    assert.equal(total, 22)
    assert.ok(items.every(({ url }) => url.includes('rock-pi')))
  })

  it('sorts by each column, both ways', () => {
    const sizes = (text: string): number[] => listEntries(entries, read(text)).items.map(({ size }) => size)
    assert.deepEqual(
      sizes('sort=size'),
      [...sizes('sort=size')].sort((a, b) => b - a),
    )
    assert.deepEqual(
      sizes('sort=size&order=reverse'),
      [...sizes('sort=size&order=reverse')].sort((a, b) => a - b),
    )
    for (const sort of sortKeys) {
      const first = listEntries(entries, read(`sort=${sort}`)).items[0]
      const last = listEntries(entries, read(`sort=${sort}&order=reverse`, '99')).items.at(-1)
      assert.deepEqual(first, last, sort)
    }
  })

  it('goes on over pages and ends with the last', () => {
    const seen = ['1', '2', '3'].flatMap((page) => listEntries(entries, read('sort=url', page)).items)
    assert.equal(new Set(seen).size, entries.length)
    assert.equal(listEntries(entries, read('', '99')).page, 3)
    assert.deepEqual(paged([], 5), { items: [], total: 0, page: 1, pages: 1 })
  })
})

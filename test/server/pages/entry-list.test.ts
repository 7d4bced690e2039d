import assert from 'node:assert/strict'
import { listEntries, listQueryText, paged, readListQuery, sortKeys } from '#kiss/server/pages/entry-list.js'
import { entries, now } from '../support/dashboard.js'

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

  it('finds a part of a URL in any case', () => {
    const { items, total } = listEntries(entries, read('q=ROCK-pi'), now)
    assert.equal(total, 22)
    assert.ok(items.every(({ url }) => url.includes('rock-pi')))
  })

  it('chooses by host, state and size, all at once', () => {
    const chosen = (text: string) => listEntries(entries, read(text), now)
    assert.equal(chosen('host=storage.lkft.example.org').total, 44)
    assert.equal(chosen('host=storage.lkft').total, 0)
    assert.ok(chosen('state=stale').items.every(({ staleAt }) => staleAt <= now))
    assert.equal(chosen('state=stale').total + chosen('state=fresh').total, entries.length)
    assert.equal(chosen('state=private').total, 1)
    assert.ok(chosen('larger-than=1GiB').items.every(({ size }) => size > 1024 ** 3))
    const both = chosen('host=storage.lkft.example.org&larger-than=1GiB').total
    assert.ok(both > 0 && both < chosen('larger-than=1GiB').total)
    assert.deepEqual([chosen('state=x').total, chosen('larger-than=x').total], [entries.length, entries.length])
  })

  it('sorts by each column, both ways', () => {
    const sizes = (text: string): number[] => listEntries(entries, read(text), now).items.map(({ size }) => size)
    assert.deepEqual(
      sizes('sort=size'),
      [...sizes('sort=size')].sort((a, b) => b - a),
    )
    assert.deepEqual(
      sizes('sort=size&order=reverse'),
      [...sizes('sort=size&order=reverse')].sort((a, b) => a - b),
    )
    for (const sort of sortKeys) {
      const first = listEntries(entries, read(`sort=${sort}`), now).items[0]
      const last = listEntries(entries, read(`sort=${sort}&order=reverse`, '99'), now).items.at(-1)
      assert.deepEqual(first, last, sort)
    }
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

  it('goes on over pages and ends with the last', () => {
    const seen = ['1', '2', '3'].flatMap((page) => listEntries(entries, read('sort=url', page), now).items)
    assert.equal(new Set(seen).size, entries.length)
    assert.equal(listEntries(entries, read('', '99'), now).page, 3)
    assert.deepEqual(paged([], 5), { items: [], total: 0, page: 1, pages: 1 })
  })
})

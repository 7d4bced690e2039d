import assert from 'node:assert/strict'
import { hostOf } from '#kiss/http/urls.js'
import { connect } from '#kiss/store/index/connection.js'
import { type EntryChoice, Listing, type Right, type SortKey, sortKeys } from '#kiss/store/listing.js'
import { NAME } from '#kiss/store/names.js'
import type { Store } from '#kiss/store/open.js'
import type { Entry } from '#kiss/store/types.js'
import { entryOf, Fixture } from './support.js'

const everything: EntryChoice = { search: '', host: '', state: undefined, largerThan: undefined }
const anyRight: readonly Right[] = ['public', 'private', 'undecided']
const whole = { offset: 0, limit: 1_000 }

const urls = [
  'https://a.example/Builds/1/Image.gz',
  'https://b.example:8443/builds/2/rootfs.ext4',
  'https://a.example/builds/3/100%25_[x].img?…',
  's3://bucket/folder/Image.gz',
  's3://bucket?…',
  'https://a.example/builds/4/Image.gz',
] as const

/** Sizes, times and hits have different orders; the fifth is equal to the fourth but for its URL. */
const entries: readonly Entry[] = urls.map((url, n) => {
  const k = Math.min(n, 3)
  return entryOf(url, url, {
    url,
    size: [5, 300, 20, 1_000][k]!,
    storedAt: [40, 10, 30, 20][k]!,
    staleAt: [2_000_000, 999_999, 1_000_000, 3_000_000][k]!,
    lastUsedAt: [7, 9, 3, 5][k]!,
    hits: [0, 9, 2, 10][k]!,
    unverified: n === 2,
    private: n === 1,
    access: n === 1 ? 'client' : n === 3 ? 'provider' : 'public',
  })
})

const columns: Record<SortKey, (entry: Entry) => number | string> = {
  url: ({ url }) => url,
  host: ({ url }) => hostOf(url),
  size: ({ size }) => -size,
  age: ({ storedAt }) => -storedAt,
  fresh: ({ staleAt }) => staleAt,
  used: ({ lastUsedAt }) => -lastUsedAt,
  hits: ({ hits }) => -hits,
}

describe('the listing of entries', () => {
  const fixture = new Fixture()
  let store: Store
  let listing: Listing
  before(async () => {
    await fixture.begin()
    store = await fixture.open()
    for (const entry of entries) await store.entries.set(entry)
    await store.entries.set(entryOf('a name', 'https://a.example/', { source: NAME, url: 'https://a.example/latest' }))
    await store.pins.add([entries[0]!.id], undefined)
    await store.pins.add([entries[1]!.id], fixture.now - 1)
    listing = store.listing
  })
  after(() => fixture.end())

  const chosen = async (choice: Partial<EntryChoice>, of = anyRight): Promise<number[]> => {
    const order = { sort: 'url', reverse: false } as const
    const rows = await listing.rows({ ...everything, ...choice }, { rights: of }, order, whole, fixture.now)
    return rows.map(({ url }) => urls.indexOf(url as (typeof urls)[number])).sort()
  }

  it('selects by a part of the URL in any case, by host, state and size', async () => {
    const selections: [choice: Partial<EntryChoice>, expected: number[]][] = [
      [{}, [0, 1, 2, 3, 4, 5]],
      [{ search: 'BUILDS' }, [0, 1, 2, 5]],
      [{ search: '100%25_[X]' }, [2]],
      [{ search: `'; DROP TABLE entries; --` }, []],
      [{ host: 'a.example' }, [0, 2, 5]],
      [{ host: 'b.example' }, []],
      [{ host: 'b.example:8443' }, [1]],
      [{ host: 'bucket' }, [3, 4]],
      [{ host: 'a.example/builds' }, []],
      [{ host: 'a.example/builds/4/Image.gz' }, []],
      [{ host: 'bucket?…' }, []],
      [{ host: 'bucket?' }, []],
      [{ state: 'stale' }, [1, 2]],
      [{ state: 'fresh' }, [0, 3, 4, 5]],
      [{ state: 'unverified' }, [2]],
      [{ state: 'pinned' }, [0]],
      [{ largerThan: 20 }, [1, 3, 4, 5]],
      [{ largerThan: 20, host: 'a.example', state: 'fresh', search: 'image' }, [5]],
      [{ purgeable: 20 }, [1, 3, 4, 5]],
      [{ purgeable: 40 }, [1, 2, 3, 4, 5]],
      [{ purgeable: NaN }, []],
    ]
    for (const [choice, expected] of selections) {
      assert.deepEqual(await chosen(choice), expected, JSON.stringify(choice))
      const counts = await listing.counts({ ...everything, ...choice }, fixture.now)
      assert.equal(counts.public + counts.private + counts.undecided, expected.length)
    }
  })

  it('separates public, private and undecided entries', async () => {
    assert.deepEqual(await chosen({}, ['public']), [0, 2, 4, 5])
    assert.deepEqual(await chosen({}, ['private']), [1])
    assert.deepEqual(await chosen({}, ['undecided']), [3])
    assert.deepEqual(await chosen({}, []), [])
    assert.deepEqual(await listing.counts(everything, fixture.now), { public: 4, private: 1, undecided: 1 })
  })

  it('sorts by each column in both directions, in pages', async () => {
    for (const sort of sortKeys) {
      const value = columns[sort]
      const expected = [...entries]
        .sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.url < b.url ? -1 : 1))
        .map(({ url }) => url)
      for (const reverse of [false, true]) {
        const pages = [0, 2, 4].map((offset) =>
          listing.rows(everything, { rights: anyRight }, { sort, reverse }, { offset, limit: 2 }, fixture.now),
        )
        const found = (await Promise.all(pages)).flat().map(({ url }) => url)
        assert.deepEqual(found, reverse ? [...expected].reverse() : expected, sort)
      }
    }
  })

  it('sums entries, bytes and hits by host, without names', async () => {
    const sums = new Map((await listing.hosts(anyRight)).map(({ host, ...figures }) => [host, figures]))
    assert.deepEqual(sums.get('a.example'), { entries: 3, bytes: 1_025, hits: 12 })
    assert.deepEqual([...sums.keys()].sort(), ['a.example', 'b.example:8443', 'bucket'])
    assert.deepEqual(new Map((await listing.hosts(['public'])).map((of) => [of.host, of.entries])).get('bucket'), 1)
  })

  it('returns entries in the order of their ids, with the end of their pins and with unwritten uses', async () => {
    store.entries.touch(entries[2]!.id, 50)
    const ids = [entries[2]!.id, 'removed', entries[0]!.id, entries[1]!.id]
    const found = await listing.entries(ids, fixture.now)
    assert.deepEqual(
      found.map(([{ url, hits }, pinnedUntil]) => [url, hits, pinnedUntil]),
      [
        [urls[2], 3, undefined],
        [urls[0], 0, Infinity],
        [urls[1], 9, undefined],
      ],
    )
  })

  it('creates its index where there is none, as in the directory of an older kiss', async () => {
    const direct = await connect(store.layout.index, 1_000)
    const indexes = (): Promise<unknown[]> =>
      direct.query(`SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'entries_listed'`)
    await direct.query('DROP INDEX entries_listed')
    assert.equal((await indexes()).length, 0)
    assert.deepEqual(await chosen({ host: 'bucket' }), [3, 4])
    assert.equal((await indexes()).length, 1)
    await direct.close()
  })

  it('reads only the index on the listed fields', async () => {
    const plans: string[] = []
    const direct = await connect(store.layout.index, 1_000)
    const explain = async <Row>(sql: string): Promise<Row[]> => {
      if (!sql.startsWith('WITH')) return []
      const steps = await direct.query<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      plans.push(steps.map(({ detail }) => detail).join())
      return []
    }
    const explaining = new Listing(
      { query: explain, browse: (operation) => operation({ ...direct, query: explain }) },
      (entry) => entry,
    )
    const choice = { search: 'x', host: 'h', state: 'stale', largerThan: 1, purgeable: 1 } as const
    await explaining.counts(choice, 1)
    await explaining.hosts(['public'])
    for (const sort of sortKeys)
      await explaining.rows(choice, { rights: anyRight, ids: ['a'] }, { sort, reverse: false }, whole, 1)
    await direct.close()
    assert.equal(plans.length, 2 + sortKeys.length)
    for (const plan of plans) assert.match(plan, /SCAN entries USING COVERING INDEX entries_listed/)
  })
})

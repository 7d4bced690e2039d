import assert from 'node:assert/strict'
import { EntryCatalogue } from '#kiss/engine/catalogue.js'
import type { PageQuery, Viewer } from '#kiss/engine/types.js'
import type { Store } from '#kiss/store/open.js'
import { entryOf, Fixture } from '../store/support.js'

/** Entries whose provider's credential brought them; the provider of this test lends those with `lent` in their URL. */
const lent = Array.from({ length: 130 }, (_, n) => `https://lab.example/lent/${String(n).padStart(3, '0')}`)
const kept = ['https://lab.example/kept/1', 'https://secret.example/kept/2']
const open = ['https://open.example/1', 'https://open.example/2']
const hidden = 'https://secret.example/of-one-client'

const query: PageQuery = {
  ...{ search: '', host: '', state: undefined, largerThan: undefined },
  ...{ sort: 'url', reverse: false, page: 1 },
}

describe('the catalogue of entries', () => {
  const fixture = new Fixture()
  let store: Store
  let catalogue: EntryCatalogue
  let decisions = 0
  before(async () => {
    await fixture.begin()
    store = await fixture.open()
    const all = [
      ...[...lent, ...kept].map((url) => entryOf(url, url, { url, access: 'provider' })),
      ...open.map((url) => entryOf(url, url, { url, access: 'public' })),
      entryOf(hidden, hidden, { url: hidden, access: 'client', private: true }),
    ]
    for (const entry of all) await store.entries.set(entry)
    catalogue = new EntryCatalogue({
      listing: store.listing,
      clock: { now: () => fixture.now, monotonic: () => 0 },
      isListed: ({ shown }) => (decisions++, shown.includes('/lent/')),
      shown: (entry) => entry,
    })
  })
  after(() => fixture.end())

  const page = async (over: Partial<PageQuery>, viewer: Viewer) => {
    const { items, ...rest } = await catalogue.page({ ...query, ...over }, viewer)
    return { urls: items.map(({ url }) => url), ...rest }
  }

  it('shows everybody public entries and those that the provider lends, and counts no other', async () => {
    const first = await page({}, 'anyone')
    assert.deepEqual(first, { urls: lent.slice(0, 50), page: 1, total: 132 })
    assert.deepEqual((await page({ page: 2 }, 'anyone')).urls, lent.slice(50, 100))
    assert.deepEqual(await page({ page: 3 }, 'anyone'), { urls: [...lent.slice(100), ...open], page: 3, total: 132 })
    assert.deepEqual((await page({ page: 99 }, 'anyone')).page, 3)
  })

  it('shows nobody but the administrator that there are others', async () => {
    for (const search of ['kept', 'secret', 'of-one-client'])
      assert.deepEqual(await page({ search }, 'anyone'), { urls: [], page: 1, total: 0 })
    assert.deepEqual(await page({ state: 'private' }, 'anyone'), { urls: [], page: 1, total: 0 })
    assert.deepEqual(
      (await catalogue.hosts('anyone')).map(({ host, entries }) => [host, entries]),
      [
        ['lab.example', 130],
        ['open.example', 2],
      ],
    )
  })

  it('says the same to everybody whether or not a hidden entry fits the search', async () => {
    for (const search of ['lab.example', 'lab.example/lent'])
      assert.deepEqual(await page({ search }, 'anyone'), { urls: lent.slice(0, 50), page: 1, total: 130 })
  })

  it('shows nobody an entry that becomes private while it is looked up', async () => {
    const becoming: string[] = []
    const late = new EntryCatalogue({
      listing: store.listing,
      clock: { now: () => fixture.now, monotonic: () => 0 },
      isListed: () => true,
      shown: (entry) => (becoming.push(entry.url), { ...entry, private: entry.url === open[0] }),
    })
    const { items } = await late.page({ ...query, host: 'open.example' }, 'anyone')
    assert.deepEqual([becoming, items.map(({ url }) => url)], [open, [open[1]]])
  })

  it('selects each entry once for a purge, although entries are used meanwhile', async () => {
    const ids = await catalogue.ids(query)
    assert.equal(new Set(ids).size, 135)
    assert.equal(ids.length, 135)
  })

  it('shows the administrator all, and which of them are private', async () => {
    assert.equal((await page({}, 'admin')).total, 135)
    assert.deepEqual(await page({ state: 'private' }, 'admin'), { urls: [...kept, hidden].sort(), page: 1, total: 3 })
    assert.equal((await catalogue.hosts('admin')).find(({ host }) => host === 'secret.example')?.entries, 2)
    assert.equal((await catalogue.ids({ ...query, search: 'secret.example' })).length, 2)
  })

  it('lets no provider decide about public entries', async () => {
    decisions = 0
    assert.deepEqual(await page({ host: 'open.example' }, 'anyone'), { urls: open, page: 1, total: 2 })
    assert.equal(decisions, 0)
  })
})

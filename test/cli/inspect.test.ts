import assert from 'node:assert/strict'
import { listLines, sorted } from '#kiss/cli/inspect/list.js'
import { purgeFilter, purgeLine } from '#kiss/cli/inspect/purge.js'
import { verifyFailure, verifyLines } from '#kiss/cli/inspect/verify.js'
import { listedEntry } from '#kiss/server/entries.js'
import { resolveSettings } from '#kiss/cli/settings/resolve.js'
import type { SettingValues } from '#kiss/cli/settings/table.js'
import type { Entry } from '#kiss/store/types.js'

const now = 1_000_000_000_000
const day = 86_400_000

function entry(url: string, fields: Partial<Entry> = {}): Entry {
  return {
    id: url,
    url,
    sha256: 'ab',
    size: 1024,
    headers: {},
    storedAt: now - day,
    validatedAt: now - day,
    staleAt: now + day,
    lifetime: 2 * day,
    lastUsedAt: now - 60_000,
    hits: 1,
    private: false,
    unverified: false,
    ...fields,
  }
}

function values(flags: Record<string, unknown>): SettingValues {
  return resolveSettings({ flags, env: {}, file: undefined, defaults: {}, cwd: '/' }).values
}

describe('kiss list', () => {
  it('shows exactly the keys of the contract', () => {
    assert.deepEqual(Object.keys(listedEntry(entry('http://h/a'))), [
      'id',
      'url',
      'size',
      'sha256',
      'storedAt',
      'staleAt',
      'lastUsedAt',
      'hits',
      'private',
    ])
  })

  it('sorts, ties by URL, and turns round', () => {
    const entries = [entry('b', { size: 1 }), entry('a', { size: 1 }), entry('c', { size: 2, hits: 9, storedAt: now })]
    const urls = (sort: string, reverse = false): string =>
      sorted(entries, sort, reverse)
        .map(({ url }) => url)
        .join('')
    assert.deepEqual(
      ['url', 'size', 'hits', 'age'].map((sort) => urls(sort)),
      ['abc', 'cab', 'cab', 'cab'],
    )
    assert.equal(urls('size', true), 'bac')
  })

  it('fits the terminal', () => {
    const long = entry(`http://h/${'x'.repeat(300)}/Image.gz`, { private: true, unverified: true, staleAt: now })
    const lines = listLines([long], now, 80)
    assert.equal(lines[1]?.length, 80)
    assert.match(lines[1], /^ *1 KiB +1d +stale +1m +1 +private,unverified +http:.*…x*\/Image\.gz$/)
    assert.equal(lines[2], '1 entry, 1 KiB')
    assert.deepEqual(listLines([], now, 80), ['0 entries, 0 B'])
  })

  it('shows the remaining time of a pin that ends, and no time of one that does not', () => {
    const pins = [now + 10 * day - 1, Infinity, null].map((pinnedUntil, i) => ({
      ...entry(`http://h/${i}`),
      pinnedUntil,
    }))
    const notes = listLines(pins, now, 120).slice(1, -1)
    assert.deepEqual(
      notes.map((line) => /pinned(?: \d+d)?/.exec(line)?.[0]),
      ['pinned 10d', 'pinned', 'pinned'],
    )
  })
})

describe('kiss purge', () => {
  it('asks for a choice, and takes URLs and filters', () => {
    assert.throws(() => purgeFilter([], values({})), { code: 'usage', exit: 2 })
    assert.throws(() => purgeFilter([], values({ 'dry-run': true })), { code: 'usage' })
    assert.deepEqual(purgeFilter([], values({ all: true })), { all: true, dryRun: false })
    assert.deepEqual(purgeFilter(['http://h/a'], values({ 'older-than': '30d', 'dry-run': true })), {
      urls: [new URL('http://h/a')],
      olderThan: 30 * day,
      dryRun: true,
    })
  })

  it('says what it did, or would do', () => {
    assert.equal(purgeLine({ removed: 1, bytes: 1024, dryRun: false }, []), 'removed 1 entry, 1 KiB')
    assert.equal(purgeLine({ removed: 2, bytes: 0, dryRun: true }, []), 'would remove 2 entries, 0 B')
  })

  it('gives the reason of a smaller sum only where the sizes on the screen differ, as kiss list does', () => {
    const twins = (size: number) => [entry('http://h/a', { size: 300_000 }), entry('http://h/b', { size })]
    const shared = [...twins(6), entry('http://h/c', { size: 6 })]
    const removed = { removed: 3, bytes: 300_006, dryRun: false }
    assert.equal(purgeLine(removed, shared), 'removed 3 entries, 293 KiB')
    assert.match(purgeLine({ ...removed, bytes: 300_000 }, twins(300_000)), /293 KiB; their sizes add up to 586 KiB/)
    const [large, ...small] = shared
    const listed = [{ ...large!, sha256: 'e'.repeat(64) }, ...small]
    assert.equal(listLines(listed, now, 80).at(-1), '3 entries, 293 KiB')
  })
})

describe('kiss verify', () => {
  it('fails with exit 5 when something was damaged, and only then', () => {
    const clean = { checked: 3, damaged: [], orphans: ['transfers/x'], dangling: ['http://h/a'] }
    assert.equal(verifyFailure(clean), undefined)
    assert.equal(verifyFailure({ ...clean, damaged: ['ab'] })?.exit, 5)
    assert.deepEqual(verifyLines(clean), [
      'checked 3 blobs',
      'without its blob, dropped: http://h/a',
      'orphan, removed: transfers/x',
    ])
  })
})

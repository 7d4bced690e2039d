import assert from 'node:assert/strict'
import { parseAllDocuments } from 'yaml'
import { parseJob } from '#lava/parse.js'
import { restore, rewrite } from '#lava/rewrite.js'
import { wrap } from '#lava/urls.js'
import { emit, escaped, far, seeded, type Random } from './emit.js'
import { at, downloads } from './oracle.js'
import { samples, server } from './samples.js'

const rounds = 200

/** The samples as objects, each document its own. */
const jobs = samples.flatMap(({ text }) => {
  const documents = parseAllDocuments(text.replace(/\r(?!\n)|[\x85\u2028\u2029]/g, '\n'), {
    version: '1.1',
    merge: true,
    uniqueKeys: false,
    logLevel: 'silent',
  })
  return [...documents].flatMap((document) => tree(document.toJS()))
})

/** Nothing in it is shared; nothing at all for a sample that holds itself. */
function tree(job: unknown): object[] {
  try {
    // Line ends at a URL's ends come from block scalars: written in quotes they would be escapes, which stay.
    const trimmed = (_key: string, value: unknown): unknown =>
      typeof value === 'string' && /^\s*https?:/.test(value) ? value.trim() : value
    const copy: unknown = JSON.parse(JSON.stringify(job), trimmed)
    return typeof copy === 'object' && copy !== null ? [copy] : []
  } catch {
    return []
  }
}

function read(text: string): unknown {
  const [document] = parseAllDocuments(text.replace('\ufeff', ''), {
    version: '1.1',
    merge: true,
    uniqueKeys: false,
    logLevel: 'silent',
  })
  assert.deepEqual(document?.errors ?? [], [])
  return document?.toJS() ?? null
}

/** Puts copies of downloads elsewhere, so that anchors have something to share. */
function spread(job: object, random: Random): object {
  const copy = structuredClone(job) as Record<string, unknown>
  const holders = downloads(copy, server).map((path) => path.slice(0, -1).reduce<unknown>(at, copy))
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)]
  for (let times = Math.floor(random() * 3); times > 0 && holders.length > 0; times--) {
    const holder = structuredClone(pick(holders))
    const actions = at(copy, 'actions') as unknown[]
    const place = random()
    if (place < 0.3) copy.metadata = { copied: holder, url: at(holder, 'url') ?? 'x' }
    else if (place < 0.7) actions.push({ deploy: { to: 'usb', image: holder } })
    else actions.push(structuredClone(pick(actions)))
  }
  return copy
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((part) => `/${part}`).join('')
}

function withUrls(job: unknown, paths: readonly (readonly (string | number)[])[]): unknown {
  const copy = structuredClone(job)
  for (const path of paths) {
    const holder = path.slice(0, -1).reduce<unknown>(at, copy) as Record<string | number, string>
    const key = path.at(-1)!
    holder[key] = wrap(server, { url: holder[key]! })!
  }
  return copy
}

describe('any job in any style', () => {
  it(`is rewritten in exactly the places that the rules name, and comes back exactly (${rounds} jobs)`, () => {
    let changed = 0
    let shared = 0
    let pulled = 0
    for (let seed = 1; seed <= rounds; seed++) {
      const random = seeded(seed)
      const job = spread(jobs[Math.floor(random() * jobs.length)]!, random)
      const { text, strings } = emit(job, random)
      const note = `seed ${seed}\n${text}`
      assert.deepEqual(read(text), job, `the emitter is wrong: ${note}`)

      const wanted = downloads(job, server)
      const names = new Set(wanted.map(pathText))
      const together = new Set(strings.filter((places) => places.every((place) => names.has(place))).flat())
      const expected = wanted.filter((path) => together.has(pathText(path)))

      const { text: result, changes, left } = rewrite(parseJob('job.yaml', text), { server })
      assert.equal(new Set(changes.map(({ path }) => path)).size, expected.length, note)
      assert.deepEqual(unmarked(read(result)), withUrls(job, expected), note)
      assert.equal(left.filter(({ reason }) => reason === 'shared').length, wanted.length - expected.length, note)
      assert.ok(onlyUrlsDiffer(text, result, changes), note)
      assert.equal(rewrite(parseJob('job.yaml', result), { server }).text, result, note)
      assert.equal(restore(parseJob('job.yaml', result), server).text, text, note)
      // PyYAML minds no indentation there; the parser does.
      const [margin, cached] = [text, result].map((one) => one.replaceAll(far, '')) as [string, string]
      assert.equal(rewrite(parseJob('job.yaml', margin), { server }).text, cached, note)
      assert.equal(restore(parseJob('job.yaml', cached), server).text, margin, note)
      changed += changes.length
      pulled += margin === text ? 0 : 1
      shared += wanted.length - expected.length
    }
    assert.ok(
      changed > rounds && shared > rounds / 20 && pulled > rounds / 10,
      `too tame: ${changed} changed, ${shared} shared, ${pulled} with lines at the margin`,
    )
  }).timeout(60_000)
})

/** The mark of a scalar that had single quotes in flow style, or escapes, means nothing to a reader of the URL. */
function unmarked(job: unknown): unknown {
  return JSON.parse(
    JSON.stringify(job)
      .replaceAll('?url=http%3a', '?url=http%3A')
      .replaceAll('?url=https%3a', '?url=https%3A')
      .replaceAll('?url=HTTPS%3a', '?url=HTTPS%3A'),
  )
}

/** Walks both texts side by side: where they differ, one has a URL that changed and the other what it became. */
function onlyUrlsDiffer(before: string, after: string, changes: readonly { from: string; to: string }[]): boolean {
  const pairs = [...new Map(changes.map((change) => [`${change.from} ${change.to}`, change])).values()]
    .flatMap(spellings)
    .sort(([a], [b]) => b.length - a.length)
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const pair = pairs.find(([from, to]) => before.startsWith(from, i) && after.startsWith(to, j))
    if (pair === undefined && before[i] !== after[j]) return false
    i += pair?.[0].length ?? 1
    j += pair?.[1].length ?? 1
  }
  return true
}

/** How a URL and what it becomes can be written: as it is, in each kind of quotes, and quoted where it was not. */
function spellings({ from, to }: { from: string; to: string }): [string, string][] {
  const single = (url: string): string => url.replaceAll("'", "''")
  const double = (url: string): string => url.replace(/["\\]/g, '\\$&')
  const slashes = (url: string): string => double(url).replaceAll('/', '\\/')
  return [
    [from, to],
    [from, `'${single(to)}'`],
    [single(from), single(to)],
    [double(from), double(to)],
    [slashes(from), slashes(to)],
    [escaped(double(from)), escaped(double(to))],
  ]
}

/** Strings that a stranger can write, and what has to hold for each of them, whatever it says. */
import assert from 'node:assert/strict'
import { parseSettingsFile } from '#kiss/cli/settings/file.js'
import { configuredMirrors } from '#kiss/cli/settings/places.js'
import { printedSettings } from '#kiss/cli/settings/print.js'
import { resolveSettings } from '#kiss/cli/settings/resolve.js'
import { settingNames } from '#kiss/cli/settings/table.js'
import { KissError } from '#kiss/errors.js'
import { attachment } from '#kiss/http/disposition.js'
import { parseHttpDate, parseRetryAfter } from '#kiss/http/dates.js'
import { isFresh } from '#kiss/http/freshness.js'
import { encodedPattern, parseUrl } from '#kiss/http/parse-url.js'
import { parsePassedNames } from '#kiss/http/passed-headers.js'
import { parseContentRange, parseRange, resolveRange } from '#kiss/http/range.js'
import { storedHeaders } from '#kiss/http/stored.js'
import { canonicalUrl, displayUrl, fileNameOf } from '#kiss/http/urls.js'
import { evaluatePreconditions } from '#kiss/http/validation.js'
import { judge, type Answer, type Circumstances, type Held } from '#kiss/flight/resume.js'
import { parseEntryFilter } from '#kiss/server/entry-filter.js'
import { parseFetchQuery } from '#kiss/server/fetch-query.js'
import { requestId } from '#kiss/server/incoming.js'
import { parseAuthority } from '#kiss/server/self.js'
import { globPattern } from '#kiss/http/glob.js'
import { parseDuration, parseSize } from '#kiss/units.js'
import { parseMirrors } from '#kiss/upstream/mirrors.js'
import type { Random } from '../../server/support/random.js'

export const pieces = {
  url: [
    ...['http', 's3', '://', '//', 'user:secret@', 'host', '[::1]', ':80', '/a', '/..', '%2F', '%zz'],
    ...['?x=secret', '&y', '#f', '\\', '|', '%', ' ', '\t', '\u009b', '\ud800'],
  ],
  query: ['url=', 'ttl=', 'sha256=', 'passheaders=', 'https://h/p', 'https%3A%2F%2Fh', '+', '&', '%26', '10d', 'ff'],
  range: ['bytes', '=', '0', '9', '-', ',', '99999999999999999999', '/', '*', ' '],
  tag: ['W/', '"', 'a', ',', ' ', '*', '"a"'],
  pattern: ['*', '**', '**/', '?', '/', 'a', 'b', 'http://h/', '[', '%', 'é', '\\'],
  clock: [
    '-',
    '+',
    '0',
    '9',
    '.',
    'e',
    '1e999',
    'NaN',
    'd',
    'h',
    'ms',
    ' GMT',
    'Sun, 06 Nov 1994 08:49:37',
    '99999999999',
  ],
  lies: ['bytes ', '5-9', '0-9', '5-99', '-', '/', '10', '99', '*', '18446744073709551616', '5-', ' ', ','],
  name: ['a', '.', '..', '/', '\\', '%2e', 'ü', '\u202e', ';', "'"],
  yaml: [
    ...settingNames.flatMap((name) => [`\n${name}: `, `${name}: `]),
    ...['\nmirrors:', '\n  - match: ', '\n    to: ', '[', ']', '{', '}', ', ', '\n- ', '\n  ', ': ', '\t', '"', "'"],
    ...['&a ', '*a', '<<: ', '!!js/function ', '!!binary ', '|\n', '>-\n', '---\n', '%YAML 1.2\n', '#', '~', '? '],
    ...['100GiB', '10d', '-1', '1e999', 'true', '0x1F', '.inf', 'http://h/', 'h:99999', '10.0.0.0/8', '[fd00::/8]:1'],
  ],
} as const satisfies Record<string, readonly string[]>

export type Kind = keyof typeof pieces

/** What a glob means, in other words. */
function expression(glob: string): RegExp {
  const parts = encodedPattern(glob).match(/\*\*+\/|\*\*+|[^]/g) ?? []
  const source = parts.map((part) => {
    if (part.length > 1) return part.endsWith('/') ? '(?:[^]*/)?' : '[^]*'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : part.replace(/[^\w]/g, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`)
}

/** Only what is foreseen may be thrown. */
function foreseen<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof KissError && error.code !== 'internal', String(error))
    return undefined
  }
}

/** Each throws an AssertionError where something does not hold. */
export const checks: Readonly<Record<Kind, (text: string, random: Random) => void | Promise<void>>> = {
  url(text) {
    // A secret in a path cannot be told from a name; in an authority and in a query it can.
    assert.doesNotMatch(displayUrl(text), /^[a-z0-9+.-]*:\/\/[^/]*@|[?#][^…]/i, text)
    const asked = foreseen(() => parseUrl(text))
    if (asked !== undefined && /^https?:$/.test(asked.protocol)) {
      assert.doesNotMatch(asked.href, /[\p{Cc}\s|\\^`{}]/u, text)
      assert.equal(foreseen(() => parseUrl(asked.href.replace(/#.*$/s, '')))?.pathname, asked.pathname, text)
    }
    if (!URL.canParse(text)) return
    const url = new URL(text)
    const once = canonicalUrl(url)
    assert.equal(canonicalUrl(once).href, once.href)
    assert.equal(once.username + once.password + once.hash, '')
    assert.match(fileNameOf(url), /^(?!\.{0,2}$)[^/\\\p{Cc}]+$/u)
  },

  query(text) {
    const query = foreseen(() => parseFetchQuery(text))
    if (query?.ttl !== undefined) assert.ok(Number.isSafeInteger(query.ttl) && query.ttl >= 0, text)
  },

  range(text) {
    const range = parseRange(text)
    const resolved = range === undefined ? undefined : resolveRange(range, 10)
    if (resolved !== undefined)
      assert.ok(resolved.first >= 0 && resolved.first <= resolved.last && resolved.last < 10, text)
    parseContentRange(text)
  },

  tag(text, random) {
    const headers = { 'if-none-match': text, 'if-match': random.text(pieces.tag), 'if-modified-since': text }
    assert.ok(['go on', 'not modified', 'failed'].includes(evaluatePreconditions(headers, { etag: '"a"' }, 0)))
    const { etag = '', contentType = '' } = storedHeaders({ etag: text, 'content-type': text }, 0)
    for (const value of [etag, contentType]) assert.doesNotMatch(value, /[\r\n\0]/)
    for (const name of parsePassedNames(text)) assert.doesNotMatch(name, /[^a-z0-9!#$%&'*+\-.^_`|~]/)
    parseAuthority(text)
    assert.doesNotMatch(requestId(text) ?? '', /[\s"<>]/)
  },

  pattern(text, random) {
    const url = random.text(['a', 'b', '/', 'http://h/', 'é'])
    const found = globPattern(text).test(url)
    // The same pattern as a regular expression, where that takes no time without end.
    if (text.length < 20 && url.length < 40) assert.equal(found, expression(text).test(url), `${text} on ${url}`)
    // Backtracking over it would take for ever.
    if (random.below(100) === 0) globPattern(text.repeat(30)).test('a/b'.repeat(500))
    foreseen(() => parseEntryFilter(new URLSearchParams({ match: text.repeat(20) }).toString()))
    foreseen(() => parseMirrors([{ match: text, to: ['http://m/'] }]))
  },

  clock(text, random) {
    for (const read of [parseDuration, parseSize]) {
      const value = foreseen(() => read(text, 'what'))
      if (value !== undefined) assert.ok(Number.isSafeInteger(value) && value >= 0, text)
    }
    const date = parseHttpDate(text, 0)
    assert.ok(date === undefined || Number.isFinite(date), text)
    const wait = parseRetryAfter(text, 0)
    assert.ok(wait === undefined || (wait >= 0 && Number.isFinite(wait)), text)
    // A time from a clock that was ahead makes nothing fresh.
    const [validatedAt, now] = [random.below(1000), random.below(1000)]
    const fresh = isFresh({ validatedAt, staleAt: validatedAt + 500 }, { now, ttl: random.below(1000) })
    assert.ok(!fresh || (validatedAt <= now && now - validatedAt < 500))
  },

  lies(text, random) {
    const held = { size: 5, head: { status: 200, headers: { etag: '"a"' }, length: 10 } } as unknown as Held
    const length = random.text(pieces.lies)
    for (const status of [200, 206, 304, 416]) {
      const headers = { etag: '"a"', 'content-range': text, 'content-length': length }
      const verdict = judge('rest', { status, headers, url: new URL('http://h/') } as unknown as Answer, held, {
        now: 0,
        passedNames: [],
      } as unknown as Circumstances)
      // Bytes are appended only where they are said to begin where ours end, in a whole of the length that we know.
      if (verdict.kind !== 'append') continue
      assert.deepEqual([status, verdict.length], [206, 10], text)
      assert.match(text.trim(), /^bytes 5-\d+\/(?:10|\*)$/, text)
    }
  },

  name(text) {
    const form = /^attachment; filename="[^"\\/\r\n]+"(?:; filename\*=UTF-8''[\w!#$&+\-.^`|~%]+)?$/
    assert.match(attachment(text), form, text)
  },

  async yaml(text) {
    try {
      const file = await parseSettingsFile('/kiss/config.yaml', text)
      configuredMirrors(file)
      printedSettings(resolveSettings({ flags: {}, env: {}, file, defaults: {}, cwd: '/' }))
    } catch (error) {
      assert.ok(error instanceof KissError && error.code !== 'internal', `${JSON.stringify(text)}: ${String(error)}`)
      assert.match(error.message, /^\/kiss\/config\.yaml:\d+/, JSON.stringify(text))
    }
  },
}

export const kinds = Object.keys(checks) as Kind[]

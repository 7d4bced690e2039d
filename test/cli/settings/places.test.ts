import assert from 'node:assert/strict'
import { parseSettingsFile } from '#kiss/cli/settings/file.js'
import { configuredMirrors, configuredParents } from '#kiss/cli/settings/places.js'
import { resolveSettings } from '#kiss/cli/settings/resolve.js'
import { KissError } from '#kiss/errors.js'
import { parentsOf, parseParents } from '#kiss/upstream/parents.js'
import type { Parent } from '#kiss/upstream/types.js'

const read = async (yaml: string): Promise<unknown> => configuredMirrors(await parseSettingsFile('kiss.yaml', yaml))

describe('mirrors in the configuration file', () => {
  it('are a list of patterns with places to try, or one of each', async () => {
    assert.deepEqual(
      await read(
        'port: 1\nmirrors:\n  - match: https://a/**\n    to: [http://b/, http://c/d]\n  - {match: "https://e/", to: http://f}',
      ),
      [
        { match: 'https://a/**', to: ['http://b/', 'http://c/d'] },
        { match: 'https://e/', to: ['http://f'] },
      ],
    )
    assert.deepEqual(await read('mirrors: {match: https://a/, to: http://b/}'), [
      { match: 'https://a/', to: ['http://b/'] },
    ])
    for (const nothing of ['', 'mirrors:', 'mirrors: []']) assert.deepEqual(await read(nothing), [])
    assert.deepEqual(configuredMirrors(undefined), [])
  })

  it('that cannot be used are errors with file and line, without what may be a password', async () => {
    const complaints: [yaml: string, RegExp][] = [
      ['port: 1\nmirrors: x', /^kiss\.yaml:2: mirrors, entry 1: expected match: /],
      ['mirrors: [[]]', /entry 1: expected match: /],
      ['mirrors:\n - {match: "https://a/", to: [http://b], from: sesame}', /entry 1: there is no key "from"; it takes/],
      ['mirrors:\n - {match: "https://a/", to: []}', /to: expected URLs/],
      ['mirrors:\n - {match: "https://a/", to: [1]}', /to: expected URLs/],
      ['mirrors:\n - {to: http://b}', /match: expected a pattern/],
      ['mirrors:\n - {match: a, to: http://b}', /^kiss\.yaml:1: mirrors: a: a pattern is a URL without query/],
      ['mirrors:\n - {match: "https://a/", to: "ftp://u:sesame@b"}', /a place to try is an http or https URL/],
    ]
    for (const [yaml, expected] of complaints) {
      await assert.rejects(read(yaml), (error) => {
        assert.ok(error instanceof KissError && error.code === 'configuration', yaml)
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /sesame/)
        return true
      })
    }
  })
})

describe('parents in the configuration file', () => {
  const parents = async (yaml: string, flags: Record<string, unknown> = {}): Promise<readonly Parent[]> => {
    const file = await parseSettingsFile('kiss.yaml', yaml)
    return configuredParents(resolveSettings({ flags, env: {}, file, defaults: {}, cwd: '/' }))
  }

  it('are asked before those of the flag, which are for every URL', async () => {
    assert.deepEqual(
      await parents('parents: {match: https://a/, to: http://b/}', { parent: ['http://c', 'http://d/k'] }),
      [{ match: 'https://a/', to: ['http://b/'] }, { to: ['http://c/', 'http://d/k'] }],
    )
    assert.deepEqual(await parents('parent: http://c'), [{ to: ['http://c/'] }])
    assert.deepEqual(await parents(''), [])
  })

  it('stand in rules too, of which the first that matches a URL decides', async () => {
    const rules = parseParents(
      await parents(
        `rules:
  - match: https://a/own/**
    ttl: 1h
  - match: [https://a/**, "https://**/shared/**"]
    parent: [http://b/, http://c/]
parent: http://d`,
      ),
    )
    const asked = (url: string): string[] => parentsOf(rules, new URL(url)).map(({ name }) => name)
    assert.deepEqual(asked('https://a/x?y=1'), ['http://b/', 'http://c/', 'http://d/'])
    assert.deepEqual(asked('https://e/shared/x'), ['http://b/', 'http://c/', 'http://d/'])
    assert.deepEqual(asked('https://a/own/x'), ['http://d/'])
  })

  it('that cannot be used are errors with file and line', async () => {
    const complaints: [yaml: string, RegExp][] = [
      [
        'parents: {match: "https://a/", to: "http://b/?x"}',
        /^kiss\.yaml:1: parents: a parent is the http or https address/,
      ],
      ['parents: {match: a, to: "http://b/"}', /^kiss\.yaml:1: parents: a: a pattern is a URL without query/],
      ['parents: {match: "https://a/", from: x}', /parents, entry 1: there is no key "from"/],
      ['parent-only: yes', /^parent-only: there is no parent/],
    ]
    for (const [yaml, message] of complaints) await assert.rejects(parents(yaml), { code: 'configuration', message })
  })
})

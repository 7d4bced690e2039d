import assert from 'node:assert/strict'
import { parseSettingsFile } from '#kiss/cli/settings/file.js'
import { configuredRules, dividedRules, writtenRule } from '#kiss/cli/settings/rules.js'
import { printedSettings } from '#kiss/cli/settings/print.js'
import { resolveSettings } from '#kiss/cli/settings/resolve.js'
import { KissError } from '#kiss/errors.js'

const yaml = `port: 1
rules:
  - match: https://storage.example.com/builds/**
    ttl: 30d
    connections: 4
  - match: [https://pypi.example/simple/**, https://deb.example/dists/**]
    freshness: origin
  - {match: https://b.example/, ttl: 90, stale-if-error: 1h, max-size: 2GiB, share: never, sha256-from: "*.sha256"}
  - match: https://secrets.example/**
    store: never
`

describe('rules in the configuration file', () => {
  it('have patterns and what holds for them, each with its place', async () => {
    assert.deepEqual(configuredRules(await parseSettingsFile('kiss.yaml', yaml)), [
      { match: ['https://storage.example.com/builds/**'], ttl: 30 * 86_400_000, connections: 4, place: 'kiss.yaml:3' },
      {
        match: ['https://pypi.example/simple/**', 'https://deb.example/dists/**'],
        freshness: 'origin',
        place: 'kiss.yaml:6',
      },
      {
        match: ['https://b.example/'],
        ttl: 90_000,
        staleIfError: 3_600_000,
        maxSize: 2 * 1024 ** 3,
        share: 'never',
        sha256From: '*.sha256',
        place: 'kiss.yaml:8',
      },
      { match: ['https://secrets.example/**'], store: 'never', place: 'kiss.yaml:9' },
    ])
    for (const nothing of ['', 'rules:', 'rules: []'])
      assert.deepEqual(configuredRules(await parseSettingsFile('kiss.yaml', nothing)), [])
  })

  it('that cannot be used are errors with file and line', async () => {
    const complaints: [yaml: string, RegExp][] = [
      ['rules: x', /^kiss\.yaml:1: rules: expected a list of rules$/],
      ['rules:\n  - x', /^kiss\.yaml:2: rules, entry 1: expected match: /],
      ['rules:\n  - ttl: 5m', /^kiss\.yaml:2: rules, entry 1: match: is missing$/],
      ['rules:\n  - match: a/**', /^kiss\.yaml:2: match: "a\/\*\*" is no pattern of URLs$/],
      ['rules:\n  - match: "https://a/?x=1"', /^kiss\.yaml:2: match: .* is no pattern of URLs$/],
      ['rules:\n  - match: [1]', /^kiss\.yaml:2: rules, entry 1: match: expected patterns/],
      [
        'rules:\n  - match: https://a/\n  - match: https://b/\n    tll: 5m',
        /^kiss\.yaml:4: rules, entry 2: there is no key "tll"$/,
      ],
      ['rules:\n  - match: https://a/\n    ttl: soon', /^kiss\.yaml:3: rules, entry 1: ttl: "soon" is not a duration/],
      ['rules:\n  - match: https://a/\n    ttl: [1]', /^kiss\.yaml:3: rules, entry 1: ttl: expected one value$/],
      ['rules:\n  - match: https://a/\n    store: always', /^kiss\.yaml:3: rules, entry 1: store: expected never$/],
      [
        'rules:\n  - match: https://a/\n    parent: ftp://b/',
        /^kiss\.yaml:3: rules, entry 1: parents: a parent is the http or/,
      ],
      [
        'rules:\n  - match: https://a/\n    parent: http://b/\n    freshness: origin',
        /the origin itself is asked, and no parent$/,
      ],
      ['rules:\n  - match: https://a/\n    share: some', /share: expected all, probe, never$/],
      ['rules:\n  - match: https://a/\n    freshness: ours', /freshness: expected origin$/],
      ['rules:\n  - match: https://a/\n    connections: 0', /connections: expected a whole number from 1$/],
      ['rules:\n  - match: https://a/\n    max-size: big', /max-size: "big" is not a size/],
      ['rules:\n  - match: https://a/\n    sha256-from: "*"', /sha256-from: expected the location of the sum/],
      ['rules:\n  - match: https://a/\n    sha256-from: ftp://x/*', /sha256-from: expected the location of the sum/],
      ['rules:\n  - match: https://a/\n    store: never\n    ttl: 5m', /entry 1: store: never leaves nothing for ttl/],
      [
        'rules:\n  - match: https://a/\n    freshness: origin\n    ttl: 5m',
        /entry 1: with freshness: origin the origin says/,
      ],
    ]
    for (const [text, expected] of complaints) {
      const file = await parseSettingsFile('kiss.yaml', text)
      assert.throws(
        () => configuredRules(file),
        (error) => {
          assert.ok(error instanceof KissError && error.code === 'configuration', text)
          assert.match(error.message, expected)
          return true
        },
      )
    }
  })

  it('divide what they limit together among the workers', async () => {
    const connections = async (workers: number) =>
      dividedRules(configuredRules(await parseSettingsFile('kiss.yaml', yaml)), workers).map((rule) => rule.connections)
    assert.deepEqual(await connections(2), [2, undefined, undefined, undefined])
    assert.deepEqual(await connections(9), [1, undefined, undefined, undefined])
  })

  it('are printed with their places, as a file that says the same', async () => {
    const file = await parseSettingsFile('kiss.yaml', yaml)
    const lines = printedSettings(resolveSettings({ flags: {}, env: {}, file, defaults: {}, cwd: '/' }))
    assert.ok(lines.some((line) => /^ {2}- \{match: \["https:\/\/secrets.*store: never\} +# kiss\.yaml:9$/.test(line)))
    const again = configuredRules(await parseSettingsFile('again.yaml', lines.join('\n')))
    assert.deepEqual(again.map(writtenRule), configuredRules(file).map(writtenRule))
  })
})

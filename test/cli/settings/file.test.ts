import assert from 'node:assert/strict'
import { parseSettingsFile, refuseUnknownSections } from '#kiss/cli/settings/file.js'
import { KissError } from '#kiss/errors.js'
import { describeError } from '#kiss/server/log.js'

async function complaint(yaml: string): Promise<string> {
  try {
    refuseUnknownSections(await parseSettingsFile('kiss.yaml', yaml), ['s3'])
  } catch (error) {
    assert.ok(error instanceof KissError)
    assert.equal(error.code, 'configuration')
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
  }
  return 'none'
}

describe('configuration file', () => {
  it('names file and line of a key that it does not know, and guesses', async () => {
    assert.equal(
      await complaint('port: 1\nqouta: 1GiB\n'),
      'kiss.yaml:2: there is no setting "qouta"; did you mean quota?',
    )
    assert.equal(
      await complaint('cache_dir: /x'),
      'kiss.yaml:1: there is no setting "cache_dir"; did you mean cache-dir?',
    )
    assert.equal(
      await complaint('cacheDir: /x'),
      'kiss.yaml:1: there is no setting "cacheDir"; did you mean cache-dir?',
    )
    assert.equal(await complaint('xyzzy: 1'), 'kiss.yaml:1: there is no setting "xyzzy"')
  })

  it('names file, line and column of a value that is wrong', async () => {
    assert.equal(
      await complaint('# limits\nquota:   10 bananas\n'),
      'kiss.yaml:2:10: quota: "10 bananas" is not a size; write 10GiB, 500MB or plain bytes',
    )
    assert.equal(await complaint('port: [1, 2]'), 'kiss.yaml:1:7: port: expected one value')
    assert.equal(
      await complaint('allow-client: {a: 1}'),
      'kiss.yaml:1:15: allow-client: expected a value or a list of values',
    )
  })

  it('names the place of broken YAML without repeating the text', async () => {
    const broken = await complaint('port: 1\ngitlab:\n  token: "glpat-secret\n')
    assert.match(broken, /^kiss\.yaml:\d+:\d+: /)
    assert.doesNotMatch(broken, /glpat/)
    for (const value of [
      '!glpat',
      '!!glpat',
      '!glpat!',
      '|glpat',
      '>glpat',
      '*glpat',
      '&a glpat: b',
      '%glpat',
      '@glpat',
    ]) {
      const error = await parseSettingsFile('kiss.yaml', `gitlab:\n  token: ${value}\n`).then(
        () => undefined,
        describeError,
      )
      assert.match(error?.stack ?? '', /^KissError: kiss\.yaml:2:\d+: /, value)
      assert.doesNotMatch(JSON.stringify(error), /glpat/, value)
    }
    assert.match(await complaint('port: 1\nport: 2\n'), /^kiss\.yaml:2:1: .*unique/)
    assert.match(await complaint('- port'), /^kiss\.yaml:1:1: expected settings/)
  })

  it('refuses what belongs to one call', async () => {
    assert.match(await complaint('print-config: true'), /print-config cannot be set in the file: use --print-config$/)
    assert.match(await complaint('config: x'), /config cannot be set in the file: use --config or KISS_CONFIG$/)
  })

  it('passes the sections of loaded plugins through as parsed', async () => {
    const yaml = 's3:\n  lkft: {region: eu-west-1, anonymous: true}\nmirrors: []\n'
    const file = await parseSettingsFile('kiss.yaml', yaml)
    const { value, line } = file.sections.get('s3') ?? {}
    assert.deepEqual({ value, line }, { value: { lkft: { region: 'eu-west-1', anonymous: true } }, line: 1 })
    assert.equal(await complaint(yaml), 'none')
    assert.equal(await complaint('gitlab: {}'), 'kiss.yaml:1: there is no setting "gitlab"')
  })

  it('takes an empty file, an empty value and a byte order mark', async () => {
    assert.equal((await parseSettingsFile('f', '')).values.size, 0)
    assert.equal((await parseSettingsFile('f', '# nothing\n')).values.size, 0)
    assert.equal((await parseSettingsFile('f', 'quota:\n')).values.size, 0)
    assert.equal((await parseSettingsFile('f', '\ufeffport: 9\n')).values.get('port')?.value, 9)
  })

  it('keeps the digits of a number as they are written', async () => {
    const digits = '1'.repeat(64)
    assert.equal((await parseSettingsFile('f', `sha256: ${digits}`)).values.get('sha256')?.value, digits)
  })

  it('reads aliases, and refuses those that would blow up', async () => {
    assert.deepEqual((await parseSettingsFile('f', 's3: &a {x: 1}\nmirrors: [*a]')).sections.get('mirrors')?.value, [
      { x: 1 },
    ])
    const bomb = Array.from(
      { length: 12 },
      (_, i) =>
        `k${i}: &k${i} [${Array(9)
          .fill(i === 0 ? 'x' : `*k${i - 1}`)
          .join(', ')}]`,
    )
    assert.match(await complaint(bomb.join('\n')), /aliases cannot be resolved$/)
  })
})

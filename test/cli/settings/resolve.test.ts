import assert from 'node:assert/strict'
import { parseSettingsFile } from '#kiss/cli/settings/file.js'
import { configFlagOf, resolveSettings, type SettingsInput } from '#kiss/cli/settings/resolve.js'
import { KissError } from '#kiss/errors.js'

const nothing: SettingsInput = { flags: {}, env: {}, file: undefined, defaults: {}, cwd: '/here' }

async function input(given: { flags?: object; env?: Record<string, string>; yaml?: string }): Promise<SettingsInput> {
  const file = given.yaml === undefined ? undefined : await parseSettingsFile('/etc/kiss/config.yaml', given.yaml)
  return { ...nothing, file, env: given.env ?? {}, flags: { ...given.flags } }
}

describe('settings', () => {
  it('takes the flag before the environment before the file before the default', async () => {
    const yaml = 'port: 1003'
    const env = { KISS_PORT: '1002' }
    const flags = { port: '1001' }
    const port = async (given: Parameters<typeof input>[0]): Promise<unknown[]> => {
      const { values, origins } = resolveSettings(await input(given))
      return [values.port, origins.port.source]
    }
    assert.deepEqual(await port({ yaml, env, flags }), [1001, { from: 'flag' }])
    assert.deepEqual(await port({ yaml, env }), [1002, { from: 'environment', name: 'KISS_PORT' }])
    assert.deepEqual(await port({ yaml }), [1003, { from: 'file', file: '/etc/kiss/config.yaml', line: 1 }])
    assert.deepEqual(await port({}), [8001, { from: 'default' }])
  })

  it('reads sizes, durations, lists and booleans the same wherever they stand', async () => {
    const expected = [10 * 1024 ** 3, 36e5, ['10.0.0.0/8', '::1'], true]
    const read = async (given: Parameters<typeof input>[0]): Promise<unknown[]> => {
      const { values } = resolveSettings(await input(given))
      return [values.quota, values['default-ttl'], values['allow-client'], values.offline]
    }
    const flags = { quota: '10GiB', 'default-ttl': '1h', 'allow-client': ['10.0.0.0/8', '::1'], offline: true }
    const env = {
      KISS_QUOTA: '10GiB',
      KISS_DEFAULT_TTL: '1h',
      KISS_ALLOW_CLIENT: '10.0.0.0/8, ::1',
      KISS_OFFLINE: 'yes',
    }
    const yaml = 'quota: 10GiB\ndefault-ttl: 1h\nallow-client: [10.0.0.0/8, "::1"]\noffline: true\n'
    for (const given of [{ flags }, { env }, { yaml }]) assert.deepEqual(await read(given), expected)
  })

  it('lets a flag say no where the file says yes', async () => {
    const { values } = resolveSettings(await input({ yaml: 'offline: true', flags: { offline: false } }))
    assert.equal(values.offline, false)
  })

  it('resolves a path against the place where it is written', async () => {
    const paths = async (given: Parameters<typeof input>[0]): Promise<string | undefined> =>
      resolveSettings(await input(given)).values['tls-cert']
    assert.equal(await paths({ yaml: 'tls-cert: tls/cert.pem' }), '/etc/kiss/tls/cert.pem')
    assert.equal(await paths({ env: { KISS_TLS_CERT: 'cert.pem' } }), '/here/cert.pem')
    assert.equal(await paths({ flags: { 'tls-cert': '/x/cert.pem' } }), '/x/cert.pem')
  })

  it('takes an empty variable for none', async () => {
    assert.equal(resolveSettings(await input({ env: { KISS_PORT: '' } })).values.port, 8001)
  })

  it('takes what Kubernetes says of a service named kiss for no setting', async () => {
    assert.equal(resolveSettings(await input({ env: { KISS_PORT: 'tcp://10.0.0.1:8001' } })).values.port, 8001)
  })

  it('names the flag or the variable whose value is wrong', async () => {
    const message = async (given: Parameters<typeof input>[0]): Promise<unknown> => {
      const resolved = await input(given)
      try {
        return resolveSettings(resolved)
      } catch (error) {
        return error instanceof KissError ? [error.code, error.exit, error.message] : error
      }
    }
    assert.deepEqual(await message({ flags: { port: 'x' } }), ['usage', 2, '--port: "x" is not a whole number'])
    assert.deepEqual(await message({ env: { KISS_PORT: '70000' } }), [
      'configuration',
      2,
      'KISS_PORT: 70000 is more than 65535',
    ])
    assert.deepEqual(await message({ env: { KISS_ALLOW_CLIENT: '10.0.0.0/33' } }), [
      'configuration',
      2,
      'KISS_ALLOW_CLIENT: "10.0.0.0/33" is not an address or a CIDR such as 10.0.0.0/8',
    ])
  })

  it('names a flag with a wrong value as it was typed, by its alias too', async () => {
    for (const [flag, argv, named] of [
      ['max-rate', ['fetch', '--limit-rate', 'fast', 'x'], '--limit-rate'],
      ['max-rate', ['fetch', '--limit-rate=fast', 'x'], '--limit-rate'],
      ['max-rate', ['fetch', '--max-rate', 'fast', 'x'], '--max-rate'],
      ['max-rate', ['fetch', '--limit-rate', '5', '--max-rate', 'fast'], '--max-rate'],
      ['max-rate', ['fetch', '--max-rate', 'fast', '--', '--limit-rate'], '--max-rate'],
      ['ca-file', ['fetch', '--cacert', '', 'x'], '--cacert'],
    ] as const) {
      const given = await input({ flags: { [flag]: flag === 'ca-file' ? '' : 'fast' } })
      assert.throws(() => resolveSettings({ ...given, argv }), { code: 'usage', message: new RegExp(`^${named}: `) })
    }
  })

  it('finds the configuration file on a command line before the command is known', () => {
    assert.equal(configFlagOf(['fetch', '--config', 'a.yaml']), 'a.yaml')
    assert.equal(configFlagOf(['fetch', '--config=b.yaml', 'x']), 'b.yaml')
    assert.equal(configFlagOf(['fetch', '--', '--config', 'a.yaml']), undefined)
  })
})

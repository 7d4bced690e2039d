import assert from 'node:assert/strict'
import { parseSettingsFile } from '#kiss/cli/settings/file.js'
import { configuredMirrors } from '#kiss/cli/settings/places.js'
import { printedSettings } from '#kiss/cli/settings/print.js'
import { resolveSettings } from '#kiss/cli/settings/resolve.js'

describe('printed settings', () => {
  const yaml = `quota: 10 GiB
allow-client: [10.0.0.0/8, "::1"]
header: "X: secret1"
gitlab: {token: secret2}
mirrors: [{match: "https://a.example/**", to: "https://me:secret5@mirror.lab/x/"}]
`
  const resolved = async (): Promise<string[]> =>
    printedSettings(
      resolveSettings({
        flags: { port: '9', config: '/etc/kiss.yaml', 'tls-key': '/keys/a b' },
        env: { KISS_SERVER: 'https://user:secret3@lab/?token=secret4', KISS_HEADER: '' },
        file: await parseSettingsFile('/etc/kiss.yaml', yaml),
        defaults: {},
        cwd: '/',
      }),
    )

  it('show value and source of each', async () => {
    const lines = (await resolved()).map((line) => line.replace(/ +#/, ' #'))
    for (const line of [
      'port: 9 # flag',
      'quota: "10 GiB" # /etc/kiss.yaml:1',
      'allow-client: [10.0.0.0/8, "::1"] # /etc/kiss.yaml:2',
      'tls-key: "/keys/a b" # flag',
      'stale-if-error: 1d # default',
      '# tls-cert: # default',
      '# config: /etc/kiss.yaml # flag',
      'mirrors: [{match: "https://a.example/**", to: ["https://mirror.lab/x/"]}] # /etc/kiss.yaml:5',
    ]) {
      assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
    }
  })

  it('hide what may be secret', async () => {
    const text = (await resolved()).join('\n')
    assert.doesNotMatch(text, /secret\d/)
    assert.match(text, /^# header: \(hidden\) +# \/etc\/kiss\.yaml:3$/m)
    assert.match(text, /^server: \["https:\/\/lab\/\?…"\] +# KISS_SERVER$/m)
    assert.match(text, /^# gitlab: not shown, it may hold secrets \(\/etc\/kiss\.yaml:4\)$/m)
  })

  it('are a configuration file that says the same', async () => {
    const again = await parseSettingsFile('again.yaml', (await resolved()).join('\n'))
    assert.equal(again.values.get('quota')?.value, 10 * 1024 ** 3)
    assert.deepEqual(again.values.get('allow-client')?.value, ['10.0.0.0/8', '::1'])
    assert.equal(again.values.get('tls-key')?.value, '/keys/a b')
    assert.equal(again.values.has('tls-cert'), false)
    assert.deepEqual(configuredMirrors(again), [{ match: 'https://a.example/**', to: ['https://mirror.lab/x/'] }])
  })
})

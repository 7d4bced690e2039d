import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../../support/command-line.js'
import { bytes, Origin } from '../../support/origin.js'
import { Serving } from '../../support/serving.js'
import { until } from '../../support/until.js'

describe('kiss serve on SIGHUP', () => {
  const cli = commandLine()
  let kiss: Serving
  let log = ''
  const config = (): string => path.join(cli.sandbox.root, 'config.yaml')

  /** Writes the file, sends the signal, and waits for that text in the log; resolves with what was logged since. */
  const reload = async (yaml: string, text = 'settings read again'): Promise<string> => {
    writeFileSync(config(), yaml)
    const before = log.length
    kiss.running.child.kill('SIGHUP')
    await until(text, () => log.slice(before).includes(text))
    return log.slice(before)
  }
  const fetched = async (name: string): Promise<number> => (await kiss.fetch(cli.origin.url(name))).status
  const page = async (headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(kiss.url, { headers })).status

  beforeEach(async () => {
    for (const name of ['/a', '/b', '/c']) cli.origin.serve(name, { body: bytes(name, 10_000) })
    writeFileSync(config(), '{}\n')
    kiss = await Serving.start(cli.sandbox, ['--config', config()])
    log = ''
    kiss.running.child.stderr.on('data', (chunk: string) => (log += chunk))
  })
  afterEach(async () => {
    await kiss.stop()
  })

  it('applies each setting that can change while it runs, and its removal', async () => {
    assert.equal(await fetched('/a'), 403)
    const allowed = 'allow-upstream: [127.0.0.1]\n'
    await reload(allowed)
    assert.equal(await fetched('/a'), 200)
    await reload(`${allowed}deny-upstream: [127.0.0.1]\n`)
    assert.equal(await fetched('/b'), 403)

    const mirror = await Origin.start()
    try {
      mirror.serve('/b', { body: bytes('/b', 10_000) })
      await reload(`${allowed}mirrors:\n  - {match: '${cli.origin.url('/**')}', to: ['${mirror.url('/')}']}\n`)
      assert.equal(await fetched('/b'), 200)
      assert.deepEqual([mirror.log('/b').length, cli.origin.log('/b').length], [1, 0])
    } finally {
      await mirror.close()
    }
    await reload(`${allowed}rules:\n  - {match: '${cli.origin.url('/**')}', store: never}\n`)
    for (let i = 0; i < 2; i++) assert.equal(await fetched('/c'), 200)
    assert.equal(cli.origin.log('/c').length, 2)

    writeFileSync(path.join(cli.sandbox.root, 'token'), 'sixteen-letters-\n')
    await reload(`${allowed}client-token-file: token\n`)
    assert.deepEqual([await page(), await page({ 'X-Kiss-Token': 'sixteen-letters-' })], [401, 200])
    await reload(`allow-client: [10.0.0.1]\ntrust-proxy: [127.0.0.1]\n`)
    assert.deepEqual([await page(), await page({ 'X-Forwarded-For': '10.0.0.1' })], [403, 200])
    await reload('quota: 5GiB\n')
    assert.equal((await kiss.status())['disk_quota'], 5 * 1024 ** 3)

    // A log at the level warn does not say that it is.
    await reload('log-level: warn\nallow-client: [10.0.0.1]\n', '')
    await until('the new settings', async () => (await page()) === 403)
    await page({ 'X-Request-Id': 'is-not-logged' })
    await reload('log-level: info\n')
    await page({ 'X-Request-Id': 'is-logged' })
    await until('a request in the log', () => log.includes('is-logged'))
    assert.ok(!log.includes('is-not-logged'))
  })

  it('sends a new token to the parent', async () => {
    const parent = await Origin.start()
    try {
      const token = path.join(cli.sandbox.root, 'token')
      for (const [name, secret] of Object.entries({ '/a': 'the-token-before', '/b': 'the-token-after' })) {
        const endpoint = `/api/v1/fetch${name}`
        parent.serve(endpoint, { body: bytes(name, 10_000), extra: { 'Cache-Status': 'kiss; hit' } })
        writeFileSync(token, `${secret}\n`)
        await reload(`parent: ['${parent.url('/')}']\nparent-token-file: token\nallow-upstream: [127.0.0.1]\n`)
        assert.equal(await fetched(name), 200)
        assert.equal(parent.log(endpoint).at(-1)?.headers['x-kiss-token'], secret)
      }
    } finally {
      await parent.close()
    }
  })

  it('names the settings that need a restart, and keeps the old settings and logs the reason when the new ones are broken', async () => {
    const restart = await reload(
      'workers: 2\nmax-rate: 5MB\nsealed: true\nquota: 7GiB\ns3: {region: eu-west-1}\n',
      'in force after a restart: max-rate, workers, sealed, s3',
    )
    assert.match(restart, /settings read again/)
    for (const [yaml, reason] of [
      ['quota: [8GiB', /config\.yaml/],
      ['quota: 8GiB\nhots: x\n', /hots/],
      ['quota: 8GiB\ns3: {nonsense: 1}\n', /nonsense/],
      ['quota: 8GiB\nclient-token-file: nowhere\n', /nowhere/],
      ['quota: 8GiB\nmirrors: 5\n', /mirrors/],
      ['quota: 8GiB\nrules: [{}]\n', /rules/],
      ['quota: 8GiB\ntls-cert: a.pem\n', /tls-key/],
      ['quota: 8GiB\nallow-client: [10.0.0.0/99]\n', /allow-client/],
    ] as const) {
      const said = await reload(yaml, 'the old ones stay')
      const { msg } = JSON.parse(said.split('\n').find((line) => line.includes('the old ones stay'))!) as {
        msg: string
      }
      assert.match(msg, reason)
      assert.equal((await kiss.status())['disk_quota'], 7 * 1024 ** 3)
    }
  })

  it('goes on at the SIGUSR2 of a log rotation, and says how the log is rotated', async () => {
    kiss.running.child.kill('SIGUSR2')
    await until('the line', () => log.includes('rotate its file with copytruncate'))
    assert.equal(await page(), 200)
  })

  it('keeps the settings when a file of them is a pipe, which can be read only once, and still ends at SIGTERM', async () => {
    const pipe = path.join(cli.sandbox.root, 'pipe')
    execFileSync('mkfifo', [pipe])
    await reload(`client-token-file: ${pipe}\n`, 'is a pipe and cannot be read again')
    rmSync(config())
    renameSync(pipe, config())
    const before = log.length
    kiss.running.child.kill('SIGHUP')
    await until('the reason', () => log.slice(before).includes('config.yaml is a pipe'))
    kiss.running.child.kill('SIGTERM')
    assert.equal((await kiss.running.ended).code, 0)
  })
})

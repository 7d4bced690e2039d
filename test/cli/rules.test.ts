import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { until } from '../support/until.js'

describe('rules on the command line', () => {
  let sandbox: Sandbox
  let origin: Origin
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/latest/a', { body: bytes('ruled', 1000), etag: '"1"' })
  })
  afterEach(async () => {
    await origin.close()
    sandbox.remove()
  })
  const write = (rules: string): string => {
    const file = path.join(sandbox.root, 'kiss.yaml')
    writeFileSync(file, `rules:\n${rules}`)
    return file
  }

  it('are told for a URL by kiss rules: which one, which lifetime, and why', async () => {
    const file = write('  - match: https://**/latest/**\n    ttl: 5m\n')
    const urls = ['https://a.example/latest/x?token=sesame', 'https://a.example/x']
    const { stdout } = await sandbox.run(['rules', '--config', file, '--ttl', '1h', '--json', ...urls])
    const { rules } = JSON.parse(stdout) as { rules: [Record<string, unknown>] }
    assert.deepEqual(rules[0]['rule'], { match: ['https://**/latest/**'], ttl: '5m', place: `${file}:2` })
    assert.deepEqual(
      rules.map(({ url, lifetime }) => [url, lifetime]),
      [
        ['https://a.example/latest/x', 300],
        ['https://a.example/x', 3600],
      ],
    )
    assert.match(String(rules[0]['why']), /ttl of the rule, which --ttl does not widen/)
    const shown = await sandbox.run(['rules', '--config', file, ...urls])
    assert.match(shown.stdout, /^ {2}rule {6}match: https:\/\/\*\*\/latest\/\*\*; ttl: 5m \(.*kiss\.yaml:2\)$/m)
    assert.match(shown.stdout, /^ {2}lifetime {2}10d: default-ttl; stale for 1d more/m)
  })

  it('hold for kiss fetch', async () => {
    const file = write(`  - match: ${origin.url('/latest/**')}\n    store: never\n`)
    const fetch = () => sandbox.run(['fetch', '--config', file, '-o', '-', origin.url('/latest/a')])
    await fetch()
    await fetch()
    assert.equal(origin.log('/latest/a').length, 2)
  })

  it('are read again by kiss serve on SIGHUP, and what is wrong changes nothing', async () => {
    const file = write(`  - match: ${origin.url('/latest/**')}\n    ttl: 0\n`)
    const kiss = await Serving.start(sandbox, ['--config', file, '--allow-upstream', '127.0.0.1'])
    let log = ''
    kiss.running.child.stderr.on('data', (text: string) => (log += text))
    try {
      await kiss.fetch(origin.url('/latest/a'))
      assert.equal(
        (await kiss.fetch(origin.url('/latest/a'))).headers['cache-status'],
        'kiss; fwd=stale; fwd-status=304',
      )
      write(`  - match: ${origin.url('/latest/**')}\n    tll: 1h\n`)
      kiss.running.child.kill('SIGHUP')
      await until('the fault', () => /kiss\.yaml:3: rules, entry 1: there is no key/.test(log))
      await kiss.fetch(origin.url('/latest/a'))
      assert.equal(origin.log('/latest/a').length, 3)
      write(`  - match: ${origin.url('/latest/**')}\n    ttl: 1h\n`)
      kiss.running.child.kill('SIGHUP')
      await until('the new settings', () => /settings read again/.test(log))
      await kiss.fetch(origin.url('/latest/a'))
      assert.equal((await kiss.fetch(origin.url('/latest/a'))).headers['cache-status'], 'kiss; hit')
    } finally {
      await kiss.stop()
    }
  })
})

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes } from '../support/origin.js'
import { Serving } from '../support/serving.js'

/** A name that no resolver has to be asked about: it cannot exist (RFC 1035 §2.3.1). */
const unknown = 'http://no..such.example'

describe('between two tries', () => {
  const body = bytes('waiting', 10_000)
  const cli = commandLine()

  it('kiss fetch waits, although nothing else keeps it', async () => {
    cli.origin.script('/a', [{ drop: 'rst' }, { body }])
    const { code, stderr } = await cli.sandbox.run(['fetch', cli.origin.url('/a')])
    assert.deepEqual([code, stderr], [0, ''])
    assert.ok(readFileSync(path.join(cli.sandbox.cwd, 'a')).equals(body))
    assert.equal(cli.origin.log('/a').length, 2)
  })

  it('of a host that does not exist there are few: kiss fetch ends with 4 and says why', async function () {
    this.timeout(10_000)
    const { code, stdout, stderr } = await cli.sandbox.run(['fetch', `${unknown}/a`])
    assert.deepEqual([code, stdout], [4, ''])
    assert.match(stderr, /\/a: there is no such host: no\.\.such\.example; gave up after 3 attempts in \d s/)
  })

  it('a server answers 502 for such a host, also after a redirect, unless a mirror has it', async function () {
    this.timeout(10_000)
    cli.origin.script('/moved', [{ redirect: `${unknown}/b` }])
    cli.origin.serve('/mirror/c', { body })
    const mirrors = `mirrors:\n  - match: ${unknown}/mirrored/\n    to: ${cli.origin.url('/mirror/')}\n`
    writeFileSync(cli.sandbox.configFile, mirrors)
    const kiss = await Serving.start(cli.sandbox, ['--allow-upstream', '127.0.0.0/8'])
    try {
      const [head, moved, mirrored] = await Promise.all([
        kiss.fetch(`${unknown}/a`, { method: 'HEAD' }),
        kiss.fetch(cli.origin.url('/moved')),
        kiss.fetch(`${unknown}/mirrored/c`),
      ])
      assert.deepEqual([head.status, moved.status, mirrored.status], [502, 502, 200])
      const problem = JSON.parse(moved.text) as { code: string; detail: string }
      assert.equal(problem.code, 'origin-unreachable')
      assert.match(problem.detail, /\/moved: there is no such host: no\.\.such\.example; gave up after 3 attempts/)
      assert.ok(mirrored.body.equals(body))
    } finally {
      await kiss.stop()
    }
  })
})

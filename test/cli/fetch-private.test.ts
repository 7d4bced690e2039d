import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { commandLine } from '../support/command-line.js'
import { bytes, latch } from '../support/origin.js'
import { until } from '../support/until.js'

describe('kiss fetch with a credential of its own', () => {
  const cli = commandLine()

  it('shares a download without a strong ETag with a process of the same credential, and with no other', async () => {
    const body = bytes('fetch private', 200_000)
    const gate = latch()
    const step = { body, etag: 'W/"weak"', requires: { authorization: 'Bearer alice' } }
    cli.origin.script('/f', [{ ...step, stall: { after: 1000, until: gate.opened } }, {}])
    const fetching = (token: string, output: string) =>
      cli.sandbox.run(['fetch', '-H', `Authorization: Bearer ${token}`, '-o', output, cli.origin.url('/f')])
    const one = fetching('alice', 'one')
    await cli.origin.requested('/f')
    const two = fetching('alice', 'two')
    const unfinished = (): string[] => readdirSync(cli.sandbox.cwd).filter((name) => name.startsWith('.kiss-'))
    await until('both have the head', () => unfinished().length === 2)
    const stranger = await fetching('mallory', 'three')
    assert.equal(stranger.code, 3, stranger.stderr)
    gate.open()
    for (const [name, ran] of [
      ['one', one],
      ['two', two],
    ] as const) {
      const { code, stderr } = await ran
      assert.deepEqual([code, stderr], [0, ''])
      assert.ok(readFileSync(path.join(cli.sandbox.cwd, name)).equals(body))
    }
    assert.deepEqual(
      cli.origin.log('/f').map(({ method, headers }) => `${method} ${headers.authorization}`),
      ['GET Bearer alice', 'HEAD Bearer mallory'],
    )
  })
})

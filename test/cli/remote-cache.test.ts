import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { labServer } from '../support/lab-server.js'
import { bytes } from '../support/origin.js'

describe('the cache of a server', () => {
  const body = bytes('remote', 400_000)
  const remote = labServer(body)

  const fetched = (url: string) => remote.laptop.run(['fetch', '--json', url], { env: { KISS_SERVER: remote.url } })

  it('kiss stats, list and purge show and purge the entries of the server with its token', async () => {
    const env = { KISS_SERVER: remote.url }
    const token = ['--server-token-file', remote.tokenFile]
    const downloaded = async (): Promise<number> =>
      (JSON.parse((await remote.laptop.run(['stats', '--json'], { env })).stdout) as { statistics_download: number })
        .statistics_download
    await remote.laptop.run(['purge', '--all', '--yes', ...token], { env })
    const before = await downloaded()
    await fetched(remote.origin.url('/Image'))
    assert.equal((await downloaded()) - before, body.length)
    assert.match((await remote.laptop.run(['stats'], { env })).stdout, new RegExp(`^cache +${remote.url}$`, 'm'))
    const unlisted = await remote.laptop.run(['list'], { env })
    assert.deepEqual([unlisted.code, unlisted.stdout], [3, ''])
    const list = await remote.laptop.run(['list', '--larger-than', '1kB', '--json', ...token], { env })
    const { entries } = JSON.parse(list.stdout) as { entries: Record<string, unknown>[] }
    assert.deepEqual([entries.length, entries[0]?.url], [1, remote.origin.url('/Image')])
    const refused = await remote.laptop.run(['purge', '--all', '--yes'], { env })
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /give its token with --server-token-file$/m)
    const dry = await remote.laptop.run(['purge', remote.origin.url('/Image'), '--dry-run', '--json', ...token], {
      env,
    })
    assert.deepEqual(JSON.parse(dry.stdout), { removed: 1, bytes: body.length, dryRun: true })
    // More URLs than one request can hold.
    const many = Array.from({ length: 300 }, (_, i) => remote.origin.url(`/other/${i}`))
    const both = await remote.laptop.run(
      ['purge', ...many, remote.origin.url('/Image'), '--dry-run', '--json', ...token],
      { env },
    )
    assert.deepEqual(JSON.parse(both.stdout), { removed: 1, bytes: body.length, dryRun: true })
    const purged = await remote.laptop.run(['purge', '--match', '**/Im*', '--yes', '--json', ...token], { env })
    assert.deepEqual(JSON.parse(purged.stdout), { removed: 1, bytes: body.length, dryRun: false })
    assert.equal((await remote.laptop.run(['list', ...token], { env })).stdout, '0 entries, 0 B\n')
  })

  it('kiss stats, list and purge report a server that is down or is no kiss, and leave the local cache alone', async () => {
    await remote.stop()
    await remote.laptop.run(['fetch', remote.origin.url('/Image')])
    const commands = [['stats'], ['list'], ['purge', '--all', '--yes']]
    for (const command of commands) {
      const down = await remote.laptop.run([...command, '--server', remote.url])
      assert.deepEqual([down.code, down.stdout], [4, ''])
      assert.equal(down.stderr, `kiss: ${remote.url} does not answer: the connection was refused\n`)
    }
    for (const path of ['status/', 'entries/']) remote.origin.serve(`/api/v1/${path}`, { body: Buffer.from('"hello"') })
    for (const command of commands.slice(0, 2)) {
      const other = await remote.laptop.run([...command, '--server', remote.origin.url('/')])
      assert.deepEqual([other.code, other.stdout], [4, ''])
      assert.equal(other.stderr, `kiss: ${remote.origin.url('/')} does not answer as a kiss server\n`)
    }
    assert.match((await remote.laptop.run(['list'])).stdout, /^1 entry|Image/m)
  })

  it('kiss list and stats show control characters of a hostile server as text, and report answers that are not those of kiss', async () => {
    const sent = '\u001b]0;owned\u0007\u009b31m\u202e'
    const entry = { url: `http://h/${sent}`, size: 1, sha256: '0'.repeat(64), storedAt: 0, staleAt: 0, lastUsedAt: 0 }
    const serve = (name: string, value: unknown): void =>
      remote.origin.serve(`/api/v1/${name}/`, { body: Buffer.from(JSON.stringify(value)) })
    const run = (...args: string[]) => remote.laptop.run([...args, '--server', remote.origin.url('/')])
    serve('entries', { entries: [{ ...entry, hits: 0, private: false }] })
    for (const args of [['list'], ['list', '--json']]) {
      const { code, stdout } = await run(...args)
      assert.equal(code, 0)
      assert.doesNotMatch(stdout, /[^\n\P{Cc}]|\u202e/u)
      assert.match(stdout, /\\u001b\]0;owned\\u0007\\u009b31m\\u202e/)
    }
    const malformed: readonly (readonly [string, string, unknown])[] = [
      ['list', 'entries', { entries: [null] }],
      ['list', 'entries', { entries: [{ ...entry, hits: 'x', private: false }] }],
      ['list', 'entries', { entries: [], next: '0' }],
      ['stats', 'status', []],
      ['stats', 'status', { statistics_download: sent }],
      ['stats', 'status', {}],
    ]
    for (const [command, name, value] of malformed) {
      serve(name, value)
      const { code, stdout, stderr } = await run(command)
      assert.deepEqual([code, stdout], [4, ''], JSON.stringify(value))
      assert.equal(stderr, `kiss: ${remote.origin.url('/')} does not answer as a kiss server\n`)
    }
    remote.origin.script('/api/v1/status/', [{ body: Buffer.alloc(1000), cut: { after: 10 } }])
    const cut = await run('stats')
    assert.equal(cut.code, 4)
    assert.match(cut.stderr, /broke off its answer/)
    const problem = JSON.stringify({ code: 'internal', detail: sent, hint: sent })
    remote.origin.script('/api/v1/status/', [{ status: 500, text: problem }])
    const failed = await run('stats')
    assert.equal(failed.code, 4)
    assert.doesNotMatch(failed.stderr, /[^\n\P{Cc}]/u)
  })

  it('kiss purge --server purges without a terminal only with --yes and the right token', async () => {
    await fetched(remote.origin.url('/Image'))
    const token = path.join(remote.laptop.root, 'token')
    writeFileSync(token, 'abracadabra')
    const args = ['purge', '--all', '--server', remote.url, '--server-token-file']
    const unsure = await remote.laptop.run([...args, remote.tokenFile])
    assert.deepEqual([unsure.code, unsure.stdout], [2, ''])
    const wrong = await remote.laptop.run([...args, token, '--yes'])
    assert.deepEqual([wrong.code, wrong.stdout], [3, ''])
    assert.doesNotMatch(wrong.stderr, /abracadabra/)
    const unreadable = await remote.laptop.run([...args, `${token}-none`, '--yes'])
    assert.deepEqual([unreadable.code, unreadable.stdout], [2, ''])
    assert.match(
      (await remote.laptop.run(['list', '--server', remote.url, '--server-token-file', remote.tokenFile])).stdout,
      /Image/,
    )
  })

  it('no command sends a token of --server over the network without encryption', async () => {
    const token = remote.tokenFile
    for (const command of [['stats'], ['list'], ['purge', '--all', '--yes'], ['fetch', 'http://h/x']]) {
      const args = [...command, '--server', 'http://lab.example:8001', '--server-token-file', token]
      const { code, stdout, stderr } = await remote.laptop.run(args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^kiss: a credential would go to http:\/\/lab\.example:8001\/ unencrypted; /)
    }
  })
})

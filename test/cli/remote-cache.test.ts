import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { listening, Sandbox, type Command } from '../support/cli.js'
import { bytes, Origin } from '../support/origin.js'

describe('the cache of a server', () => {
  const body = bytes('remote', 400_000)
  let lab: Sandbox
  let laptop: Sandbox
  let origin: Origin
  /** One server for all tests: the URLs of each test are new, like the port of its origin. */
  let running: Command | undefined
  let server: string
  before(() => {
    lab = new Sandbox()
    writeFileSync(path.join(lab.root, 'token'), 'sesame-opens-this-door')
  })
  beforeEach(async () => {
    laptop = new Sandbox()
    origin = await Origin.start()
    origin.serve('/Image', { body })
    if (running !== undefined) return
    running = lab.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8'], {
      env: { KISS_ADMIN_TOKEN_FILE: path.join(lab.root, 'token') },
    })
    server = await listening(running)
  })
  afterEach(async () => {
    await origin.close()
    laptop.remove()
  })
  after(async () => {
    await stop('SIGTERM')
    lab.remove()
  })

  /** The next test starts another one. */
  async function stop(signal: NodeJS.Signals): Promise<void> {
    running?.child.kill(signal)
    await running?.ended
    running = undefined
  }

  const fetched = (url: string) => laptop.run(['fetch', '--json', url], { env: { KISS_SERVER: server } })

  it('kiss stats, list and purge show and purge the entries of the server with its token', async () => {
    const env = { KISS_SERVER: server }
    const token = ['--server-token-file', path.join(lab.root, 'token')]
    const downloaded = async (): Promise<number> =>
      (JSON.parse((await laptop.run(['stats', '--json'], { env })).stdout) as { statistics_download: number })
        .statistics_download
    await laptop.run(['purge', '--all', '--yes', ...token], { env })
    const before = await downloaded()
    await fetched(origin.url('/Image'))
    assert.equal((await downloaded()) - before, body.length)
    assert.match((await laptop.run(['stats'], { env })).stdout, new RegExp(`^cache +${server}$`, 'm'))
    const unlisted = await laptop.run(['list'], { env })
    assert.deepEqual([unlisted.code, unlisted.stdout], [3, ''])
    const list = await laptop.run(['list', '--larger-than', '1kB', '--json', ...token], { env })
    const { entries } = JSON.parse(list.stdout) as { entries: Record<string, unknown>[] }
    assert.deepEqual([entries.length, entries[0]?.url], [1, origin.url('/Image')])
    const refused = await laptop.run(['purge', '--all', '--yes'], { env })
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /give its token with --server-token-file$/m)
    const dry = await laptop.run(['purge', origin.url('/Image'), '--dry-run', '--json', ...token], { env })
    assert.deepEqual(JSON.parse(dry.stdout), { removed: 1, bytes: body.length, dryRun: true })
    // More URLs than one request can hold.
    const many = Array.from({ length: 300 }, (_, i) => origin.url(`/other/${i}`))
    const both = await laptop.run(['purge', ...many, origin.url('/Image'), '--dry-run', '--json', ...token], { env })
    assert.deepEqual(JSON.parse(both.stdout), { removed: 1, bytes: body.length, dryRun: true })
    const purged = await laptop.run(['purge', '--match', '**/Im*', '--yes', '--json', ...token], { env })
    assert.deepEqual(JSON.parse(purged.stdout), { removed: 1, bytes: body.length, dryRun: false })
    assert.equal((await laptop.run(['list', ...token], { env })).stdout, '0 entries, 0 B\n')
  })

  it('kiss stats, list and purge report a server that is down or is no kiss, and leave the local cache alone', async () => {
    await stop('SIGTERM')
    await laptop.run(['fetch', origin.url('/Image')])
    const commands = [['stats'], ['list'], ['purge', '--all', '--yes']]
    for (const command of commands) {
      const down = await laptop.run([...command, '--server', server])
      assert.deepEqual([down.code, down.stdout], [4, ''])
      assert.equal(down.stderr, `kiss: ${server} does not answer: the connection was refused\n`)
    }
    for (const path of ['status/', 'entries/']) origin.serve(`/api/v1/${path}`, { body: Buffer.from('"hello"') })
    for (const command of commands.slice(0, 2)) {
      const other = await laptop.run([...command, '--server', origin.url('/')])
      assert.deepEqual([other.code, other.stdout], [4, ''])
      assert.equal(other.stderr, `kiss: ${origin.url('/')} does not answer as a kiss server\n`)
    }
    assert.match((await laptop.run(['list'])).stdout, /^1 entry|Image/m)
  })

  it('kiss list and stats show control characters of a hostile server as text, and report answers that are not those of kiss', async () => {
    const sent = '\u001b]0;owned\u0007\u009b31m\u202e'
    const entry = { url: `http://h/${sent}`, size: 1, sha256: '0'.repeat(64), storedAt: 0, staleAt: 0, lastUsedAt: 0 }
    const serve = (name: string, value: unknown): void =>
      origin.serve(`/api/v1/${name}/`, { body: Buffer.from(JSON.stringify(value)) })
    const run = (...args: string[]) => laptop.run([...args, '--server', origin.url('/')])
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
      assert.equal(stderr, `kiss: ${origin.url('/')} does not answer as a kiss server\n`)
    }
    origin.script('/api/v1/status/', [{ body: Buffer.alloc(1000), cut: { after: 10 } }])
    const cut = await run('stats')
    assert.equal(cut.code, 4)
    assert.match(cut.stderr, /broke off its answer/)
    const problem = JSON.stringify({ code: 'internal', detail: sent, hint: sent })
    origin.script('/api/v1/status/', [{ status: 500, text: problem }])
    const failed = await run('stats')
    assert.equal(failed.code, 4)
    assert.doesNotMatch(failed.stderr, /[^\n\P{Cc}]/u)
  })

  it('kiss purge --server purges without a terminal only with --yes and the right token', async () => {
    await fetched(origin.url('/Image'))
    const token = path.join(laptop.root, 'token')
    writeFileSync(token, 'abracadabra')
    const args = ['purge', '--all', '--server', server, '--server-token-file']
    const unsure = await laptop.run([...args, path.join(lab.root, 'token')])
    assert.deepEqual([unsure.code, unsure.stdout], [2, ''])
    const wrong = await laptop.run([...args, token, '--yes'])
    assert.deepEqual([wrong.code, wrong.stdout], [3, ''])
    assert.doesNotMatch(wrong.stderr, /abracadabra/)
    const unreadable = await laptop.run([...args, `${token}-none`, '--yes'])
    assert.deepEqual([unreadable.code, unreadable.stdout], [2, ''])
    assert.match(
      (await laptop.run(['list', '--server', server, '--server-token-file', path.join(lab.root, 'token')])).stdout,
      /Image/,
    )
  })

  it('no command sends a token of --server over the network without encryption', async () => {
    const token = path.join(lab.root, 'token')
    for (const command of [['stats'], ['list'], ['purge', '--all', '--yes'], ['fetch', 'http://h/x']]) {
      const args = [...command, '--server', 'http://lab.example:8001', '--server-token-file', token]
      const { code, stdout, stderr } = await laptop.run(args)
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^kiss: a credential would go to http:\/\/lab\.example:8001\/ unencrypted; /)
    }
  })
})

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { listening } from '../support/cli.js'
import { labServer } from '../support/lab-server.js'
import { AS_KISS, bytes, latch, Origin, sha256 } from '../support/origin.js'
import { until } from '../support/until.js'

interface Result {
  readonly status: string | null
  readonly size: number | null
  readonly sha256: string | null
  readonly path: string | null
  readonly output: string | null
  readonly error?: { readonly code: string; readonly message: string }
}

describe('kiss with --server', () => {
  const body = bytes('remote', 400_000)
  const remote = labServer(body)

  async function fetched(
    ...args: string[]
  ): Promise<{ code: number | null; stderr: string; result: Result | undefined }> {
    const { code, stdout, stderr } = await remote.laptop.run(['fetch', '--json', ...args], {
      env: { KISS_SERVER: remote.url },
    })
    return { code, stderr, result: (JSON.parse(stdout) as { results?: Result[] }).results?.[0] }
  }

  it('streams through the server and keeps nothing in the local cache', async () => {
    const first = await fetched(remote.origin.url('/Image'))
    assert.deepEqual([first.code, first.stderr], [0, ''])
    const { status, size, sha256: sum, path: blob, output } = first.result!
    assert.deepEqual([status, size, sum, blob], ['miss', body.length, sha256(body), null])
    assert.deepEqual(readFileSync(output!), body)
    assert.equal((await fetched(remote.origin.url('/Image'))).result?.status, 'hit')
    assert.equal((await remote.laptop.run(['list', '--json'])).stdout.includes('Image'), false)
    assert.equal(remote.origin.log('/Image').length, 1)
  })

  it('prints no warning of Node for many downloads at once', async () => {
    const gate = latch()
    const names = Array.from({ length: 30 }, (_, index) => `/many/${index}`)
    for (const name of names) remote.origin.script(name, [{ body, stall: { after: 1000, until: gate.opened } }])
    const all = fetched('--parallel', '30', ...names.map((name) => remote.origin.url(name)))
    await remote.origin.requested(names[0]!)
    gate.open()
    const { code, stderr } = await all
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('fetches from the origin when no server listens, and prints a line about it', async () => {
    await remote.stop()
    const { code, stderr, result } = await fetched(remote.origin.url('/Image'))
    assert.equal(code, 0)
    assert.match(
      stderr,
      /^kiss: http:\/\/127\.0\.0\.1:\d+\/: the connection was refused; fetching http:\/\/.*\/Image from its origin\n$/,
    )
    assert.deepEqual([result?.status, result?.size], ['miss', body.length])
  })

  it('never asks the origin after an answer of the server', async () => {
    for (const [status, code] of [
      [502, 4],
      [503, 4],
      [504, 4],
      [404, 4],
      [301, 4],
    ] as const) {
      remote.origin.script('/api/v1/fetch/Image', [{ status }])
      const ran = await remote.laptop.run(['fetch', '--server', remote.origin.url('/'), remote.origin.url('/Image')])
      assert.deepEqual([ran.code, ran.stderr.includes(`: status ${status}`)], [code, true], ran.stderr)
    }
    remote.origin.script('/api/v1/fetch/Image', [{ status: 404, headers: AS_KISS }])
    assert.equal(
      (await remote.laptop.run(['fetch', '--server', remote.origin.url('/'), remote.origin.url('/Image')])).code,
      3,
    )
    assert.equal(remote.origin.log('/Image').length, 0)
  })

  it('takes no page of another web server for the artifact', async () => {
    remote.origin.serve('/api/v1/fetch/Image', { body: Buffer.from('<html>Welcome'), type: 'text/html' })
    const { code, stderr } = await remote.laptop.run([
      'fetch',
      '--server',
      remote.origin.url('/'),
      remote.origin.url('/Image'),
    ])
    assert.deepEqual([code, readdirSync(remote.laptop.cwd)], [4, []])
    assert.match(stderr, /^kiss: http:\/\/127\.0\.0\.1:\d+\/ does not answer as a kiss server: status 200\n$/)
  })

  it('exits 4 with --no-fallback when no server listens', async () => {
    await remote.stop()
    const { code, result } = await fetched('--no-fallback', remote.origin.url('/Image'))
    assert.deepEqual([code, result?.error?.code, remote.origin.log('/Image').length], [4, 'origin-unreachable', 0])
  })

  it('continues at another server when one is killed in mid-body, with one bar', async () => {
    const gate = latch()
    const large = bytes('large', 4_000_000)
    remote.origin.script('/large', [{ body: large, etag: '"1"', stall: { after: 1_000_000, until: gate.opened } }, {}])
    const other = remote.lab.startServer(['--port', '0', '--allow-upstream', '127.0.0.0/8'], {
      env: { KISS_CACHE_DIR: path.join(remote.lab.root, 'other') },
    })
    const args = ['fetch', '--server', remote.url, '--server', await listening(other), remote.origin.url('/large')]
    const going = remote.laptop.start(args, { env: { KISS_NO_PROGRESS: undefined } })
    await remote.origin.requested('/large')
    await until('bytes arrived', () =>
      readdirSync(remote.laptop.cwd).some((file) => fileSize(remote.laptop.cwd, file) > 0),
    )
    await remote.stop('SIGKILL')
    gate.open()
    const { code, stdout, stderr } = await going.ended
    // The start, the cut where the pause is long enough for a line, and the end.
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^large: fetching \S+\n(large: .*waiting: retry .*\n)?large: miss, .*\n$/)
    assert.match(stdout, /large\n$/)
    assert.ok(readFileSync(path.join(remote.laptop.cwd, 'large')).equals(large))
    other.child.kill('SIGTERM')
    await other.ended
  })

  it('refuses another content at the second server, and never asks the origin for a body that was cut', async () => {
    const other = await Origin.start({ extra: AS_KISS })
    for (const served of [{ body: bytes('x', 400_000), etag: '"2"' }, { body: bytes('x', 400_000) }, { status: 404 }]) {
      remote.origin.script('/api/v1/fetch/Image', [
        { body, etag: '"1"', extra: AS_KISS, cut: { after: 100_000 } },
        { drop: 'rst' },
      ])
      other.script('/api/v1/fetch/Image', [served])
      const args = [
        '--server',
        remote.origin.url('/'),
        '--server',
        other.url('/'),
        '-o',
        '-',
        remote.origin.url('/Image'),
      ]
      const { code } = await remote.laptop.run(['fetch', ...args])
      assert.equal(code, 'status' in served ? 3 : 5, JSON.stringify(served.status))
    }
    await other.close()
    assert.equal(remote.origin.log('/Image').length, 0)
  })

  it('exits 4 after --retry-for when every server dies in mid-body', async () => {
    remote.origin.script('/api/v1/fetch/Image', [
      { body, etag: '"1"', extra: AS_KISS, cut: { after: 100_000 } },
      { drop: 'rst' },
    ])
    const args = [
      '--server',
      remote.origin.url('/'),
      '--retry-for',
      '1s',
      '--server',
      remote.origin.url('/'),
      remote.origin.url('/Image'),
    ]
    const { code, stderr } = await remote.laptop.run(['fetch', ...args])
    assert.deepEqual([code, readdirSync(remote.laptop.cwd)], [4, []])
    assert.match(stderr, /\/Image: the server http:\/\/127\.0\.0\.1:\d+\/: the connection was \w+; gave up after/)
    assert.equal(remote.origin.log('/Image').length, 0)
  })

  it('checks the promised sum', async () => {
    assert.equal((await fetched('--sha256', sha256(body), remote.origin.url('/Image'))).code, 0)
    const wrong = await fetched('--sha256', '0'.repeat(64), remote.origin.url('/Image'))
    assert.deepEqual([wrong.code, wrong.result?.error?.code], [5, 'digest-mismatch'])
  })

  it('leaves nothing when the server breaks off', async () => {
    remote.origin.script('/api/v1/fetch/Image', [{ body, extra: AS_KISS, cut: { after: 100_000 } }])
    const args = ['--server', remote.origin.url('/'), '--retry-for', '1s', remote.origin.url('/Image')]
    const { code, stderr } = await remote.laptop.run(['fetch', ...args])
    assert.equal(code, 4)
    assert.match(stderr, /cannot fetch http:\/\/.*\/Image: .*gave up after \d+ attempts/)
    assert.deepEqual(readdirSync(remote.laptop.cwd), [])
  })

  it('passes headers to a server on loopback, and to no other without encryption', async () => {
    remote.origin.serve('/private', { body, requires: { 'private-token': 'secret' } })
    assert.equal((await fetched('-H', 'PRIVATE-TOKEN: secret', remote.origin.url('/private'))).code, 0)
    const args = ['fetch', '--server', 'http://lab.example:8001']
    for (const more of [['-H', 'X-A: secret', 'http://h/x'], ['http://u:secret@h/x'], ['http://h/x?token=secret']]) {
      const { code, stdout, stderr } = await remote.laptop.run([...args, ...more])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /would go to http:\/\/lab\.example:8001\/ unencrypted; use an https address/)
      assert.doesNotMatch(stderr, /secret/)
    }
  })

  it('refuses the flags that need the local cache', async () => {
    for (const flag of ['--path', '--offline', '--refresh']) {
      const { code, stderr } = await remote.laptop.run([
        'fetch',
        '--server',
        remote.url,
        flag,
        remote.origin.url('/Image'),
      ])
      assert.deepEqual([code, stderr], [2, `kiss: ${flag} does not go with --server\n`])
    }
  })
})

function fileSize(directory: string, file: string): number {
  return statSync(path.join(directory, file), { throwIfNoEntry: false })?.size ?? 0
}

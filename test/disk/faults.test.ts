import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstLine, listening, project, Sandbox, type Running } from '../support/cli.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { until } from '../support/until.js'

const faults = fileURLToPath(new URL('write-faults.js', import.meta.url))

interface Reply {
  readonly status: number
  readonly body: Buffer
  /** The connection closed before the end. */
  readonly cut: boolean
}

function ask(url: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => undefined)
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), cut: !response.complete }),
      )
    })
    request.on('error', reject)
  })
}

describe('a disk that fails', () => {
  const body = bytes('faulty', 400_000)
  // Small: it arrives and is written at once.
  const other = bytes('other', 10_000)
  let sandbox: Sandbox
  let origin: Origin
  let running: Running | undefined

  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.script('/a', [{ body, etag: '"a"', throttle: 2_000_000 }])
    origin.serve('/b', { body: other, etag: '"b"' })
  })
  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    running = undefined
    await origin.close()
    sandbox.remove()
  })

  async function serve(env: Record<string, string>): Promise<string> {
    running = sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8'], { env })
    return listening(running)
  }
  const fetchUrl = (server: string, name: string): string =>
    `${server}api/v1/fetch?url=${encodeURIComponent(origin.url(name))}`
  const withFault = (code: string, at: number, times = 1, call = 'writev'): Record<string, string> => ({
    NODE_OPTIONS: `--import ${faults}`,
    DISK_FAULT: code,
    DISK_FAULT_IN: call,
    DISK_FAULT_AT: String(at),
    DISK_FAULT_TIMES: String(times),
  })

  /** It lives, serves the rest, and what failed is right when it is asked for again. */
  async function assertLives(server: string): Promise<void> {
    assert.deepEqual(await ask(fetchUrl(server, '/b')), { status: 200, body: other, cut: false })
    assert.deepEqual(await ask(fetchUrl(server, '/a')), { status: 200, body, cut: false })
    running?.child.kill('SIGTERM')
    assert.equal((await running?.ended)?.code, 0)
    running = undefined
    const { code, stdout } = await sandbox.run(['verify', '--json'])
    const { damaged, orphans, dangling } = JSON.parse(stdout) as Record<string, unknown>
    assert.deepEqual({ code, damaged, orphans, dangling }, { code: 0, damaged: [], orphans: [], dangling: [] })
    assert.deepEqual(readdirSync(path.join(sandbox.cacheDir, 'transfers')), [])
  }

  for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE']) {
    it(`cuts the reader short at the first write that gives ${code}, and serves everything else`, async () => {
      const server = await serve(withFault(code, 1))
      const { cut, body: got } = await ask(fetchUrl(server, '/a'))
      assert.equal(cut, true)
      assert.equal(got.length, 0)
      await assertLives(server)
    })

    it(`cuts the reader short in mid-body when a write gives ${code}, and serves everything else`, async () => {
      const server = await serve(withFault(code, 2))
      const { cut, body: got } = await ask(fetchUrl(server, '/a'))
      assert.equal(cut, true)
      assert.ok(got.length > 0 && got.equals(body.subarray(0, got.length)))
      await assertLives(server)
    })
  }

  it('makes room and tries again when a quota of the file system is used up and there is something to evict', async () => {
    const server = await serve(withFault('EDQUOT', 2))
    // The first write is that of the body that will go.
    assert.deepEqual(await ask(fetchUrl(server, '/b')), { status: 200, body: other, cut: false })
    assert.deepEqual(await ask(fetchUrl(server, '/a')), { status: 200, body, cut: false })
    await assertLives(server)
    assert.equal(origin.log('/b').length, 2, 'nothing was evicted')
  })

  it('makes kiss fetch exit 6, and the next one succeed', async () => {
    const { code, stderr } = await sandbox.run(['fetch', origin.url('/a')], { env: withFault('EIO', 2) })
    assert.equal(code, 6, stderr)
    assert.match(stderr, /EIO/)
    assert.deepEqual(readdirSync(sandbox.cwd), [])
    assert.equal((await sandbox.run(['fetch', origin.url('/a')])).code, 0)
  })

  it('drops a body that the disk does not take in the end, and downloads it again', async () => {
    const server = await serve(withFault('EIO', 1, 1, 'datasync'))
    assert.deepEqual(await ask(fetchUrl(server, '/b')), { status: 200, body: other, cut: false })
    await until('the removal', () => readdirSync(path.join(sandbox.cacheDir, 'blobs')).length === 0)
    await assertLives(server)
    assert.equal(origin.log('/b').length, 2)
  })

  it('stores no body that the file server refuses at its end', async () => {
    const server = await serve(withFault('EDQUOT', 1, 1, 'closeBody'))
    assert.equal((await ask(fetchUrl(server, '/b'))).cut, true)
    await assertLives(server)
    assert.equal(origin.log('/b').length, 2)
  })

  it('that has no modes takes an output from the cache', async () => {
    assert.equal((await sandbox.run(['fetch', origin.url('/b')])).code, 0)
    const { code, stderr } = await sandbox.run(['fetch', '-o', 'again', origin.url('/b')], {
      env: withFault('EPERM', 1, 1, 'copyFile'),
    })
    assert.equal(code, 0, stderr)
    assert.ok(readFileSync(path.join(sandbox.cwd, 'again')).equals(other))
  })

  it('makes kiss fetch exit 6 when it refuses the output at its end', async () => {
    const { code, stderr } = await sandbox.run(['fetch', origin.url('/b')], { env: withFault('EDQUOT', 1, 1, 'close') })
    assert.equal(code, 6, stderr)
    assert.match(stderr, /cannot write .*b: EDQUOT/)
    assert.deepEqual(readdirSync(sandbox.cwd), [])
  })

  it('has no descriptors left for some of many readers, and is right for all others and afterwards', async () => {
    const gate = latch()
    origin.script('/many', [{ body, etag: '"m"', stall: { after: 1_000, until: gate.opened } }])
    const command = [process.execPath, path.join(project, 'bin/run.js'), 'serve', '--port', '0']
    const child = spawn('sh', ['-c', 'ulimit -n 70; exec "$@"', 'sh', ...command, '--allow-upstream', '127.0.0.1'], {
      env: { PATH: process.env.PATH, HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const exited = once(child, 'exit')
    try {
      const line = await firstLine(child.stdout)
      const server = line.trim()
      const replies = Array.from({ length: 150 }, () => ask(fetchUrl(server, '/many')).catch(() => undefined))
      await origin.requested('/many')
      gate.open()
      const right = (await Promise.all(replies)).filter((reply) => {
        if (reply?.status !== 200 || reply.cut) return false
        assert.ok(reply.body.equals(body))
        return true
      })
      assert.ok(right.length > 10, `only ${right.length} were served`)
      assert.deepEqual(await ask(fetchUrl(server, '/b')), { status: 200, body: other, cut: false })
      assert.deepEqual(await ask(fetchUrl(server, '/many')), { status: 200, body, cut: false })
      child.kill('SIGTERM')
      assert.deepEqual(await exited, [0, null])
    } finally {
      child.kill('SIGKILL')
    }
  })
})

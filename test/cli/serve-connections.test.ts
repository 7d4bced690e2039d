import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { connectionsWithin, descriptorsFor, limits } from '#kiss/server/limits.js'
import { firstLine, project, Sandbox } from '../support/cli.js'
import { get } from '../server/support/client.js'
import { until } from '../support/until.js'

/** Connections of this test, in its own process as well as in that of the server. */
const MANY = 2000

const health = 'GET /api/v1/health/ HTTP/1.1\r\nHost: localhost\r\n\r\n'

interface Kiss {
  readonly port: number
  /** Resolves when this was logged. */
  logged(text: string): Promise<void>
  readonly log: () => string
}

describe('the limit of connections of kiss serve', () => {
  let sandbox: Sandbox
  const children: ChildProcess[] = []
  const sockets: Socket[] = []
  beforeEach(() => (sandbox = new Sandbox()))
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const child of children.splice(0)) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    }
    sandbox.remove()
  })

  /** A server in a process that may open so many files. */
  async function serveWithin(descriptors: number, ...args: string[]): Promise<Kiss> {
    const kiss = [process.execPath, path.join(project, 'bin/run.js'), 'serve', '--port', '0', ...args]
    const child = spawn('sh', ['-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...kiss], {
      env: { PATH: process.env['PATH'], HOME: sandbox.home, KISS_CACHE_DIR: sandbox.cacheDir },
    })
    children.push(child)
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
    const logged = async (text: string): Promise<void> => {
      while (!log.includes(text)) await once(child.stderr, 'data')
    }
    const url = await firstLine(child.stdout)
    return { port: Number(new URL(url).port), logged, log: () => log }
  }

  /** A connection that stays, with the status that its first request was answered. */
  async function answered(port: number, from = '127.0.0.1'): Promise<{ socket: Socket; status: string | undefined }> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.write(health)
    const said = await new Promise<Buffer | undefined>((resolve) => {
      socket.once('data', resolve).once('close', () => resolve(undefined))
    })
    return { socket, status: said?.toString().slice(9, 12) }
  }

  it('kiss serve takes ten thousand connections, or as many as its open files allow', () => {
    assert.equal(limits.connections, 10_000)
    assert.equal(connectionsWithin(Infinity), 10_000)
    assert.equal(connectionsWithin(descriptorsFor(10_000)), 10_000)
    assert.equal(connectionsWithin(descriptorsFor(10_000) - 1), 9_999)
    assert.equal(connectionsWithin(1024), 488)
    assert.equal(connectionsWithin(0), 8)
  })

  it(`kiss serve takes ${MANY} connections of one address, and serves another client beside them`, async () => {
    const { port, log } = await serveWithin(descriptorsFor(MANY) + 1000)
    for (let n = 0; n < MANY; n += 100) {
      const some = await Promise.all(Array.from({ length: 100 }, () => answered(port)))
      assert.ok(some.every(({ status }) => status === '200'))
    }
    assert.equal((await answered(port, '127.0.0.2')).status, '200')
    assert.ok(sockets.every((socket) => !socket.destroyed))
    // All of them are of use still: each is answered a second time.
    const again = Promise.all(sockets.map((socket) => once(socket, 'data')))
    for (const socket of sockets) socket.write(health)
    assert.equal((await again).length, MANY + 1)
    assert.doesNotMatch(log(), /"level":"(error|fatal)"/)
  })

  it('kiss serve lets 1,000 clients connect while it is busy', async function () {
    const file = '/proc/sys/net/core/somaxconn'
    const most = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
    if (most < 1000) {
      console.log(`    skipped: this system keeps only ${most} connections waiting`)
      return this.skip()
    }
    const { port } = await serveWithin(descriptorsFor(MANY))
    children[0]?.kill('SIGSTOP')
    const clients = Array.from({ length: 1000 }, () => connect({ port, host: '127.0.0.1' }))
    sockets.push(...clients)
    await Promise.all(clients.map((client) => once(client, 'connect')))
  })

  it('kiss serve refuses further connections of every client at its limit, until one closes', async () => {
    const { port } = await serveWithin(descriptorsFor(40))
    const inside = await Promise.all(Array.from({ length: 40 }, (_, n) => answered(port, `127.0.0.${2 + (n % 8)}`)))
    assert.ok(inside.every(({ status }) => status === '200'))
    for (const from of ['127.0.0.1', '127.0.0.2', '127.0.0.99']) {
      assert.equal((await answered(port, from)).status, undefined)
    }
    inside[0]?.socket.destroy()
    await until('the server notices the end of a connection', async () => (await answered(port)).status !== undefined)
  })

  it('kiss serve warns at the start when the open files allow fewer connections than the settings need', async () => {
    const shortage =
      'the limit of 256 open files leaves room for 104 connections at once, and 64 downloads need 256; raise it to 560'
    await (await serveWithin(256)).logged(shortage)
    const workers = await serveWithin(256, '--workers', '2')
    await workers.logged(`${shortage} (ulimit -n, LimitNOFILE= of systemd); in each worker`)
    assert.equal((await get(`http://127.0.0.1:${workers.port}/api/v1/health/`)).status, 200)
    assert.equal(workers.log().split('open files').length, 2)
    const enough = await serveWithin(1024)
    assert.equal((await get(`http://127.0.0.1:${enough.port}/api/v1/health/`)).status, 200)
    assert.doesNotMatch(enough.log(), /open files/)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { createServer } from 'node:net'
import { connect } from 'node:tls'
import { listening, project, Sandbox, type Running } from '../support/cli.js'
import { bytes, latch, Origin } from '../support/origin.js'
import { until } from '../support/until.js'

const WORKERS = 2

function workersOf({ child }: Running): number[] {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return children.trim().split(' ').filter(Boolean).map(Number)
}

/** Over a connection of its own, so that each request may come to another worker. */
function ask(url: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
    request.on('error', reject)
  })
}

describe('kiss serve --workers', () => {
  const body = bytes('workers', 300_000)
  let sandbox: Sandbox
  let origin: Origin
  let running: Running[]
  beforeEach(async () => {
    sandbox = new Sandbox()
    origin = await Origin.start()
    origin.serve('/a', { body, etag: '"a"' })
    running = []
  })
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
    await origin.close()
    sandbox.remove()
  })

  const serve = (...args: string[]): Running => {
    const started = sandbox.start([
      ...['serve', '--port', '0', '--workers', String(WORKERS), '--allow-upstream', '127.0.0.0/8'],
      ...args,
    ])
    let stderr = ''
    started.child.stderr.on('data', (text: string) => (stderr += text))
    started.child.on('exit', () => {
      if (process.env.DEBUG !== undefined) console.error(stderr)
    })
    running.push(started)
    return started
  }
  const fetchUrl = (server: string, name: string): string =>
    `${server}api/v1/fetch?url=${encodeURIComponent(origin.url(name))}`

  async function status(server: string): Promise<Record<string, number>> {
    return JSON.parse((await ask(`${server}api/v1/status/`)).body.toString()) as Record<string, number>
  }

  /** What the next requests are told, more of them than there are workers. */
  const statuses = (server: string): Promise<Record<string, number>[]> =>
    Promise.all(Array.from({ length: 2 * WORKERS }, () => status(server)))

  it('downloads a key once for all workers, each of which sees the download and counts for all', async () => {
    const gate = latch()
    origin.script('/slow', [{ body, etag: '"s"', stall: { after: 1_000, until: gate.opened } }])
    const server = serve()
    const url = await listening(server)
    await until('all workers', () => workersOf(server).length === WORKERS)
    const answers = Array.from({ length: 12 }, () => ask(fetchUrl(url, '/slow')))
    await origin.requested('/slow')
    await until('one download in each', async () =>
      (await statuses(url)).every((one) => one.resources_downloading === 1),
    )
    gate.open()
    for (const answer of await Promise.all(answers)) assert.deepEqual(answer, { status: 200, body })
    assert.equal(origin.log('/slow').length, 1)
    await until('equal counters in each', async () =>
      (await statuses(url)).every(
        (one) =>
          one.statistics_requests === 12 &&
          one.statistics_upload === 12 * body.length &&
          one.statistics_download === body.length &&
          one.resources_downloading === 0,
      ),
    )
  })

  it('replaces workers that die, keeps its URL, and serves meanwhile', async () => {
    const server = serve()
    const url = await listening(server)
    await until('all workers', () => workersOf(server).length === WORKERS)
    const before = workersOf(server)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await until(
      'new workers',
      () => workersOf(server).length === WORKERS && !workersOf(server).some((pid) => before.includes(pid)),
    )
    await until('an answer', () =>
      ask(fetchUrl(url, '/a')).then(
        ({ status, body: got }) => status === 200 && got.equals(body),
        () => false,
      ),
    )
    server.child.kill('SIGTERM')
    const { code, stdout, stderr } = await server.ended
    assert.deepEqual([code, stdout], [0, `${url}\n`])
    for (const pid of before) assert.match(stderr, new RegExp(`worker ${pid} ended: SIGKILL; another takes its place`))
  })

  it('lets the readers of every worker finish when it is told to stop, then exits 0', async () => {
    const gate = latch()
    origin.script('/slow', [{ body, etag: '"s"', stall: { after: 1_000, until: gate.opened } }])
    // Longer than a timer can run.
    const server = serve('--drain-timeout', '30d')
    const url = await listening(server)
    await until('all workers', () => workersOf(server).length === WORKERS)
    const readers = Array.from({ length: 6 }, () => ask(fetchUrl(url, '/slow')))
    await until('six requests', async () => (await status(url)).statistics_requests === 6)
    server.child.kill('SIGINT')
    await until('draining', async () => (await ask(`${url}api/v1/health/`)).status === 503)
    gate.open()
    for (const answer of await Promise.all(readers)) assert.deepEqual(answer, { status: 200, body })
    const { code, stderr } = await server.ended
    assert.equal(code, 0)
    for (const line of stderr.trim().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line)
  })

  it('serves everybody while one worker stands still', async () => {
    const server = serve()
    const url = await listening(server)
    await until('all workers', () => workersOf(server).length === WORKERS)
    const [still] = workersOf(server)
    process.kill(still!, 'SIGSTOP')
    try {
      for (let i = 0; i < 4 * WORKERS; i++) assert.deepEqual(await ask(fetchUrl(url, '/a')), { status: 200, body })
    } finally {
      process.kill(still!, 'SIGCONT')
    }
  })

  it('says once why no worker can start, and exits with that code', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    try {
      const { code, stdout, stderr } = await sandbox.run(['serve', '--workers', '3', '--port', String(port)])
      assert.deepEqual([code, stdout], [2, ''])
      assert.match(stderr, /^kiss: cannot listen on 127\.0\.0\.1, port \d+; choose another with --port: [^\n]*\n$/)
    } finally {
      taken.close()
    }
  })

  it('has every worker read the certificate again at SIGHUP', async () => {
    const cert = path.join(sandbox.root, 'cert.pem')
    const key = path.join(sandbox.root, 'key.pem')
    const use = (name: string): void => {
      copyFileSync(path.join(project, `test/data/tls/${name}-cert.pem`), cert)
      copyFileSync(path.join(project, `test/data/tls/${name}-key.pem`), key)
    }
    use('first')
    const server = serve('--tls-cert', cert, '--tls-key', key)
    const { port } = new URL(await listening(server))
    await until('all workers', () => workersOf(server).length === WORKERS)
    const names = async (): Promise<Set<string>> =>
      new Set(await Promise.all(Array.from({ length: 2 * WORKERS }, () => shownName(Number(port)))))
    assert.equal((await names()).size, 1)
    const [before] = await names()
    use('second')
    server.child.kill('SIGHUP')
    await until('another certificate', async () => {
      const now = await names()
      return now.size === 1 && !now.has(before!)
    })
  })
})

function shownName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, open, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { KissError } from '#kiss/errors.js'
import { describeError, openLog } from '#kiss/server/log.js'
import { LogSink, type LogTarget } from '#kiss/server/log-sink.js'
import type { RequestRecord } from '#kiss/server/request-log.js'
import { get } from './support/client.js'
import { testServers } from './support/servers.js'

const origin = 'https://user:secret@origin.example/f?token=secret'

/** A target that takes a batch when the test says so. */
class ManualTarget implements LogTarget {
  readonly batches: string[] = []
  #done: ((error?: Error | null) => void) | undefined
  closed = false

  write(batch: Buffer, done: (error?: Error | null) => void): void {
    this.batches.push(batch.toString())
    this.#done = done
  }

  release(error?: Error): void {
    this.#done?.(error)
  }

  close(): void {
    this.closed = true
  }
}

describe('the log of requests', () => {
  const start = testServers()

  it('has one record for each, with what it was and how it ended', async () => {
    const server = await start()
    server.engine.serve(origin, 'hello')
    const { headers } = await get(server.fetchUrl(origin, '&ttl=1d'), { headers: { 'X-Request-Id': 'job-17/kernel' } })
    assert.equal(headers['x-request-id'], 'job-17/kernel')
    const { firstByte, duration, ...record } = server.records.records[0]!
    assert.deepEqual(record, {
      id: 'job-17/kernel',
      method: 'GET',
      path: '/api/v1/fetch',
      target: 'https://origin.example/f?…',
      as: 'hit',
      cache: 'hit',
      status: 200,
      bytes: 5,
      client: '127.0.0.1',
      outcome: 'done',
    })
    assert.ok(firstByte >= 0 && duration >= firstByte)
  })

  it('names the problem of one that failed', async () => {
    const server = await start()
    await get(server.fetchUrl('https://origin.example/none'))
    const { status, code, outcome } = server.records.records[0]!
    assert.deepEqual([status, code, outcome], [404, 'origin-refused', 'done'])
  })

  it('takes no id that could be mistaken for something else', async () => {
    const server = await start({ newId: () => 'own' })
    for (const id of ['a b', '<script>', 'x'.repeat(129), '', 'é', '"']) {
      assert.equal((await get(server.url, { headers: { 'X-Request-Id': id } })).headers['x-request-id'], 'own', id)
    }
  })

  it('is one JSON object a line, without anything secret', async () => {
    const target = new ManualTarget()
    const log = await openLog({ target, readable: false })
    const server = await start({ log })
    server.engine.serve(origin, 'hello')
    await get(server.fetchUrl(origin), { headers: { Authorization: 'Bearer secret' } })
    assert.equal(target.batches.length, 1)
    const [line] = target.batches
    const record = JSON.parse(line!) as Record<string, unknown>
    assert.deepEqual([record['level'], record['status'], record['cache'], record['bytes']], ['info', 200, 'hit', 5])
    assert.match(String(record['msg']), /^GET 200 https:\/\/origin\.example\/f\?…: hit, 5 B in \d+ ms$/)
    assert.ok(!line!.includes('secret'))
  })

  it('has its fields in one order, and escapes the text of clients', async () => {
    const target = new ManualTarget()
    const log = await openLog({ target, readable: false })
    const own = { id: 'job-17', firstByte: 1, duration: 2, client: '::1' }
    const failed = {
      method: 'GET',
      path: '/"\\\u2028é',
      code: 'disk',
      status: 500,
      bytes: 0,
      outcome: 'failed',
    } as const
    log.log({ ...own, ...failed })
    target.release()
    log.logEqual({ ...failed, ...own, status: 200, bytes: 4096, outcome: 'done' })({ ...own, client: undefined })
    const fields = '"id":"job-17","method":"GET","path":"/\\"\\\\\u2028é","code":"disk"'
    const message = '/\\"\\\\\u2028é: disk'
    assert.deepEqual(
      target.batches.map((line) => line.replace(/"time":"[^"]+"/, '"time":""')),
      [
        `{"level":"warn","time":"",${fields},"status":500,"bytes":0,"firstByte":1,"duration":2,"client":"::1","outcome":"failed","msg":"GET 500 ${message}, 0 B in 2 ms, failed"}\n`,
        `{"level":"info","time":"",${fields},"status":200,"bytes":4096,"firstByte":1,"duration":2,"outcome":"done","msg":"GET 200 ${message}, 4 KiB in 2 ms"}\n`,
      ],
    )
  })

  it('is readable on a terminal', async () => {
    const target = new ManualTarget()
    const log = await openLog({ target, readable: true })
    const written = new Promise<void>((resolve) => {
      const write = target.write.bind(target)
      target.write = (batch, done) => {
        write(batch, done)
        resolve()
      }
    })
    log.error('the settings cannot be used', new TypeError(`cannot read ${origin}`))
    await written
    assert.match(
      target.batches[0]!,
      /ERROR.*the settings cannot be used: cannot read https:\/\/origin\.example\/f\?…\S*\n$/,
    )
  })

  it('goes on at the beginning of a file that logrotate has copied and truncated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiss-log-'))
    const file = join(folder, 'kiss.log')
    const handle = await open(file, 'a')
    try {
      for (const message of ['before the rotation', 'after it']) {
        const log = await openLog({ fd: handle.fd, readable: false })
        log.info(message)
        await log.close()
        const written = await readFile(file, 'utf8')
        assert.equal((JSON.parse(written) as { msg: string }).msg, message)
        await copyFile(file, `${file}.1`)
        await truncate(file)
      }
    } finally {
      await handle.close()
      await rm(folder, { recursive: true })
    }
  })

  it('shows an error with its causes and without the secrets in their URLs', () => {
    const cause = Object.assign(new TypeError(`Invalid URL: ${origin}`), { code: 'ERR_INVALID_URL', input: origin })
    const described = describeError(new Error(`cannot read (${origin})`, { cause }))
    assert.ok(!JSON.stringify(described).includes('secret'))
    assert.match(described.stack, /cannot read \(https:\/\/origin\.example\/f\?…\)\n +at /)
    assert.equal(described.cause?.code, 'ERR_INVALID_URL')
    assert.equal(describeError('text').stack, 'text')
  })

  it('shows a mistake in the settings without a stack', () => {
    const { stack } = describeError(new KissError('configuration', 'kiss.yaml:2: unknown setting "qota"'))
    assert.equal(stack, 'KissError: kiss.yaml:2: unknown setting "qota"')
  })
})

describe('the way of a line to its reader', () => {
  const notice = (dropped: number): string => `${dropped} dropped\n`

  it('writes what has come meanwhile in one batch', () => {
    const target = new ManualTarget()
    const sink = new LogSink({ target, notice })
    for (const line of ['a\n', 'b\n', 'c\n']) sink.write(line)
    target.release()
    assert.deepEqual(target.batches, ['a\n', 'b\nc\n'])
  })

  it('drops and counts what does not fit, and says so when the reader is back', () => {
    const target = new ManualTarget()
    const sink = new LogSink({ target, notice, limit: 10 })
    for (const line of ['12345678\n', 'a\n', 'b\n', 'c\n']) sink.write(line)
    assert.equal(sink.dropped, 3)
    target.release()
    assert.deepEqual(target.batches, ['12345678\n', '3 dropped\n'])
    target.release()
    sink.write('12345678\n')
    assert.deepEqual([target.batches[2], sink.dropped], ['12345678\n', 3])
  })

  it('goes on at the beginning of a line when a full disk has room again, and says what was dropped', () => {
    const target = new ManualTarget()
    const sink = new LogSink({ target, notice })
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    for (const line of ['a\n', 'b\n']) sink.write(line)
    target.release(full)
    sink.write('c\n')
    target.release(full)
    sink.write('d\n')
    target.release()
    sink.write('e\n')
    assert.deepEqual(target.batches, ['a\n', '\nc\n2 dropped\n', '\nd\n3 dropped\n', 'e\n'])
    assert.equal(sink.dropped, 3)
  })

  it('counts everything as dropped once the reader is gone', async () => {
    const target = new ManualTarget()
    const sink = new LogSink({ target, notice })
    sink.write('a\n')
    sink.write('b\n')
    target.release(new Error('EPIPE'))
    sink.write('c\n')
    assert.deepEqual([sink.dropped, target.batches.length], [3, 1])
    await sink.close(10_000)
    assert.ok(target.closed)
  })

  it('waits for the last lines when it closes, but not for ever', async () => {
    const target = new ManualTarget()
    const sink = new LogSink({ target, notice })
    sink.write('a\n')
    const closing = sink.close(600_000)
    target.release()
    await closing
    const stalled = new LogSink({ target, notice })
    stalled.write('a\n')
    await stalled.close(1)
    assert.ok(target.closed)
  })
})

describe('a log reader that stalls', () => {
  const program = fileURLToPath(new URL('support/logging-server.js', import.meta.url))

  const firstLine = async (child: ChildProcessWithoutNullStreams): Promise<string> => {
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return line
  }

  /** More than a pipe and the queue hold: each logs 4 kB. */
  const flood = async (url: string): Promise<void> => {
    for (let i = 0; i < 600; i++) assert.equal((await get(url + 'x'.repeat(4000))).status, 404)
  }

  it('stalls no request, and the process ends all the same', async () => {
    // A shell's pipe, whose reader sleeps for as long as the test lasts.
    const command = `exec 3>&1; "$0" "$1" 2>&1 >&3 | { read -r stop <&4; }`
    const child = spawn('sh', ['-c', command, process.execPath, program], {
      stdio: ['pipe', 'pipe', 'inherit', 'ignore', 'pipe'],
    })
    const lines = createInterface(child.stdout!)
    const [url] = (await once(lines, 'line')) as [string]
    await flood(url)
    child.stdin!.end()
    const [dropped] = (await once(lines, 'line')) as [string]
    assert.match(dropped, /^dropped [1-9]/)
    ;(child.stdio[4] as NodeJS.WritableStream).end('\n')
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, 0)
  })

  it('may be a socket, as systemd has it', async () => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stderr.pause()
    await flood(await firstLine(child))
    child.stdin.end()
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, 0)
  })

  it('has every line when it reads', async () => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
    const records: RequestRecord[] = []
    createInterface(child.stderr).on('line', (line) => records.push(JSON.parse(line) as RequestRecord))
    const url = await firstLine(child)
    for (let i = 0; i < 50; i++) await get(`${url}api/v1/health/`)
    child.stdin.end()
    await once(child, 'close')
    assert.equal(records.length, 50)
    assert.ok(records.every(({ status, path }) => status === 200 && path === '/api/v1/health/'))
  })
})

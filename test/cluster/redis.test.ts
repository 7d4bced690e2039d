/** The connection to a real Redis: TLS, passwords, and a master that changes. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTo, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis, Script } from '#kiss/cluster/redis.js'
import { freePort, RedisServer } from '../support/cluster.js'
import { describeWithRedis } from '../support/cluster-lab.js'
import { makeCertificates } from '../support/tls.js'
import { until } from '../support/until.js'

const SET = new Script(`return redis.call('SET', KEYS[1], ARGV[1])`)
const GET = new Script(`return redis.call('GET', KEYS[1])`)
const READ = new Script(`return redis.call('XREAD', 'STREAMS', KEYS[1], '0')`)

describeWithRedis('the connection of a node to Redis', function () {
  this.timeout(60_000)
  const children: ChildProcess[] = []
  const opened: Redis[] = []
  const warnings: string[] = []
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kiss-redis-'))
  })
  afterEach(async () => {
    for (const redis of opened.splice(0)) redis.close()
    warnings.splice(0)
    for (const child of children.splice(0)) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    rmSync(folder, { recursive: true })
  })

  const start = (...args: string[]): void => {
    children.push(spawn('redis-server', args, { stdio: 'ignore', cwd: folder }))
  }
  const connect = async (url: string, ca?: string): Promise<Redis> => {
    const redis = await Redis.open({ url, ca, warn: (line) => warnings.push(line) })
    opened.push(redis)
    return redis
  }
  const set = (redis: Redis, value: string): Promise<boolean> =>
    redis.run(SET, ['key'], [value]).then(
      () => true,
      () => false,
    )

  it('shows the password of the URL over TLS, and trusts the named authority alone', async () => {
    const certificates = await makeCertificates()
    const port = await freePort()
    writeFileSync(path.join(folder, 'key.pem'), certificates.key)
    writeFileSync(path.join(folder, 'cert.pem'), certificates.cert)
    const tls = ['--tls-port', String(port), '--tls-key-file', 'key.pem', '--tls-cert-file', 'cert.pem']
    const client = ['--tls-auth-clients', 'no', '--requirepass', 'secret']
    start('--port', '0', '--bind', '127.0.0.1', ...tls, '--tls-ca-cert-file', certificates.caFile, ...client)
    const ca = readFileSync(certificates.caFile, 'utf8')
    const redis = await connect(`rediss://:secret@127.0.0.1:${port}`, ca)
    await until('Redis takes a value', () => set(redis, 'safe'))
    assert.equal(await redis.run(GET, ['key'], []), 'safe')
    assert.equal((await connect(`rediss://:secret@127.0.0.1:${port}`)).reachable, false)
    assert.equal((await connect(`rediss://:wrong@127.0.0.1:${port}`, ca)).reachable, false)
    await certificates.remove()
  })

  it('uses no TLS for a redis:// URL when --ca-file names an authority for other servers', async () => {
    const certificates = await makeCertificates()
    const port = await freePort()
    start('--port', String(port), '--bind', '127.0.0.1', '--requirepass', 'secret')
    const redis = await connect(`redis://:secret@127.0.0.1:${port}`, readFileSync(certificates.caFile, 'utf8'))
    await until('Redis takes a value', () => set(redis, 'plain'))
    assert.equal(await redis.run(GET, ['key'], []), 'plain')
    assert.equal(warnings.join().includes('secret'), false, warnings.join())
    await certificates.remove()
  })

  it('says why no connection works, without the password', async () => {
    const port = await freePort()
    const url = `redis://:a-wrong-password@127.0.0.1:${port}`
    await connect(url)
    assert.match(warnings.splice(0).join(), /ECONNREFUSED/)
    start('--port', String(port), '--bind', '127.0.0.1', '--requirepass', 'secret')
    await until('Redis refuses the password', async () => {
      await connect(url)
      return warnings.some((line) => line.includes('WRONGPASS'))
    })
    assert.equal(warnings.join().includes('a-wrong-password'), false, warnings.join())
  })

  it('stays out of reach while Redis refuses writes or the log, and is back when it does not', async () => {
    const server = await RedisServer.start()
    try {
      const redis = await connect(server.url)
      assert.equal(redis.reachable, true)
      const denied: readonly [refusal: string, command: string, cure: string][] = [
        ['OOM', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0'],
        ['NOPERM', 'ACL SETUSER default -xread', 'ACL SETUSER default +xread'],
      ]
      for (const [refusal, command, cure] of denied) {
        let returned = 0
        redis.onReturned(() => returned++)
        await server.command(command)
        await redis.run(refusal === 'OOM' ? SET : READ, ['key'], ['value']).catch(() => undefined)
        assert.equal(redis.reachable, false)
        const scripts = async (): Promise<number> =>
          Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.command('INFO commandstats'))?.[1])
        const before = await scripts()
        await until('it has looked several times', async () => (await scripts()) > before + 3)
        assert.equal(returned, 0)
        await server.command(cure)
        await until('it is back', () => redis.reachable)
      }
      assert.match(warnings.join(), /refuses to serve \(OOM/)
    } finally {
      await server.close()
    }
  })

  it('finds the new master behind the address of one that has become a replica', async () => {
    const [first, second] = [await RedisServer.start(), await RedisServer.start()]
    let { port } = first
    const address = createServer((client) => {
      const server = connectTo(port, '127.0.0.1')
      for (const [from, to] of [[client, server] as const, [server, client] as const])
        from
          .on('error', () => undefined)
          .on('close', () => to.destroy())
          .pipe(to)
    }).listen(0, '127.0.0.1')
    try {
      await once(address, 'listening')
      const redis = await connect(`redis://127.0.0.1:${(address.address() as AddressInfo).port}`)
      assert.equal(await set(redis, 'before'), true)
      ;({ port } = second)
      await first.command(`REPLICAOF 127.0.0.1 ${second.port}`)
      await until('the new master takes a value', () => set(redis, 'after'))
      assert.match(await second.command('GET key'), /after/)
    } finally {
      for (const redis of opened.splice(0)) redis.close()
      address.close()
      await first.close()
      await second.close()
    }
  })

  it('goes over to the master that Sentinel names', async () => {
    const [first, second] = [await RedisServer.start(), await RedisServer.start()]
    try {
      await second.command(`REPLICAOF 127.0.0.1 ${first.port}`)
      const port = await freePort()
      const lines = [`port ${port}`, 'bind 127.0.0.1', `sentinel monitor lab 127.0.0.1 ${first.port} 1`]
      writeFileSync(path.join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`)
      start('sentinel.conf', '--sentinel')
      const nobody = await freePort()
      const redis = await connect(`redis+sentinel://127.0.0.1:${nobody},127.0.0.1:${port}/lab`)
      await until('the master takes a value', () => set(redis, 'before'))
      assert.match(await first.command('GET key'), /before/)
      await until('the replica has it', async () => (await second.command('GET key')).includes('before'))
      const sentinel = (line: string): Promise<string> => first.command(line, port)
      await until('Sentinel knows the replica', async () =>
        (await sentinel('SENTINEL REPLICAS lab')).includes(String(second.port)),
      )
      await until('the failover begins', async () => (await sentinel('SENTINEL FAILOVER lab')).includes('OK'))
      // A Redis that becomes the master closes its connections.
      const ask = (line: string): Promise<string> => second.command(line).catch(() => '')
      await until('the other Redis is the master', async () => (await ask('ROLE')).includes('master'))
      await until('the new master takes a value', async () => {
        const isSet = await set(redis, 'after')
        return isSet && (await ask('GET key')).includes('after')
      })
    } finally {
      await first.close()
      await second.close()
    }
  })
})

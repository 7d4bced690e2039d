/** A cluster on this machine: a redis-server, and nodes on addresses of their own that share one port. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Sandbox, type RunOptions, type Running } from './cli.js'
import { childrenOf } from './processes.js'
import { Serving } from './serving.js'

export const TOKEN = 'the-token-of-the-cluster'
export const ADMIN = 'the-token-of-the-admin'

/** Is this program installed? */
export function has(program: string): boolean {
  return spawnSync('which', [program]).status === 0
}

/** A port that is free on every loopback address at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export class RedisServer {
  #child: ChildProcess | undefined

  private constructor(
    readonly port: number,
    readonly folder: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const redis = new RedisServer(await freePort(), mkdtempSync(path.join(tmpdir(), 'kiss-redis-')))
    await redis.start()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Again, after {@link kill}; with an empty memory. */
  async start(): Promise<void> {
    const flags = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--rdbcompression',
      'no',
    ]
    this.#child = spawn('redis-server', [...flags, '--dir', this.folder, '--maxmemory-policy', 'noeviction'], {
      stdio: 'ignore',
    })
    while (!(await listens(this.port))) await sleep(20)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Every byte that it holds. */
  async everything(): Promise<Buffer> {
    await this.command('SAVE')
    return readFileSync(path.join(this.folder, 'dump.rdb'))
  }

  /** Sends one command, and resolves with what comes back. */
  async command(line: string, port = this.port): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.end(`${line}\r\nQUIT\r\n`)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('latin1')
  }

  async close(): Promise<void> {
    this.thaw()
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

export interface Node {
  readonly sandbox: Sandbox
  readonly host: string
  serving: Serving<Running>
  readonly args: readonly string[]
  readonly options: RunOptions
}

export interface ClusterSettings {
  readonly nodes?: number
  readonly workers?: number
  readonly flags?: readonly string[]
  /** Where a node finds Redis; default: directly. */
  readonly redisUrl?: (node: number) => string
  /** Where the other nodes find a node; default: directly. */
  readonly nodeUrl?: (node: number) => string
  /** Added to the environment of a node. */
  readonly env?: (node: number) => Readonly<Record<string, string>>
}

export class TestCluster {
  readonly nodes: Node[] = []

  private constructor(
    readonly redis: RedisServer,
    readonly port: number,
  ) {}

  static async start(settings: ClusterSettings = {}): Promise<TestCluster> {
    const cluster = new TestCluster(await RedisServer.start(), await freePort())
    await Promise.all(Array.from({ length: settings.nodes ?? 3 }, (_, i) => cluster.add(i, settings)))
    return cluster
  }

  async add(i: number, { workers = 1, flags = [], ...settings }: ClusterSettings = {}): Promise<Node> {
    const sandbox = new Sandbox()
    const host = `127.0.0.${i + 2}`
    const [tokenFile, adminFile] = ['cluster-token', 'admin-token'].map((name) => path.join(sandbox.root, name)) as [
      string,
      string,
    ]
    writeFileSync(tokenFile, TOKEN)
    writeFileSync(adminFile, ADMIN)
    const redisUrl = settings.redisUrl?.(i) ?? this.redis.url
    const nodeUrl = settings.nodeUrl?.(i) ?? `http://${host}:${this.port}`
    const args = [
      ...['--host', host, '--port', String(this.port), '--workers', String(workers), '--allow-upstream', '127.0.0.1'],
      ...['--cluster', redisUrl, '--node-url', nodeUrl],
      ...['--cluster-token-file', tokenFile, '--admin-token-file', adminFile, ...flags],
    ]
    const options = settings.env ? { env: settings.env(i) } : {}
    const node: Node = { sandbox, host, args, options, serving: await Serving.startProcess(sandbox, args, options) }
    this.nodes[i] = node
    return node
  }

  /** Kills all processes of a node, frozen ones too. */
  async kill({ serving: { running } }: Node): Promise<void> {
    const { child, ended } = running
    if (child.exitCode !== null || child.signalCode !== null) return
    signalAll(child.pid, 'SIGKILL')
    await ended
  }

  /** Stops all processes of a node, as a suspended machine does. */
  freeze({ serving }: Node): void {
    signalAll(serving.running.child.pid, 'SIGSTOP')
  }

  thaw({ serving }: Node): void {
    signalAll(serving.running.child.pid, 'SIGCONT')
  }

  /** Starts it again on its directory. */
  async restart(node: Node): Promise<void> {
    node.serving = await Serving.startProcess(node.sandbox, node.args, node.options)
  }

  /** Stops a node for good. */
  async remove(node: Node): Promise<void> {
    await this.stop(node)
    this.nodes.splice(this.nodes.indexOf(node), 1)
    node.sandbox.remove()
  }

  async stop(node: Node): Promise<string> {
    return node.serving.stop()
  }

  async close(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        await this.kill(node)
        node.sandbox.remove()
      }),
    )
    await this.redis.close()
  }
}

/** A process and its workers; the process first, so that it replaces none of them. */
function signalAll(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, name)
    } catch {
      // It has died meanwhile.
    }
  }
}

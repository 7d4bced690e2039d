/** A real HAProxy with the documented configuration before the nodes of a test cluster. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { project } from './cli.js'
import { freePort, type TestCluster } from './cluster.js'
import { replaced } from './nginx.js'
import { until } from './until.js'

export class Haproxy {
  readonly #child: ChildProcess

  private constructor(
    child: ChildProcess,
    /** With a final `/`. */
    readonly url: string,
  ) {
    this.#child = child
  }

  /** Resolves when a node answers through it. Nodes beyond the documented three have further lines, at the end. */
  static async start({ nodes, port, redis }: TestCluster): Promise<Haproxy> {
    const own = await freePort()
    const documented = readFileSync(path.join(project, 'docs/proxy/haproxy.cfg'), 'utf8')
    const servers = nodes.slice(0, 3).map(({ host }, i) => [`10.208.0.${11 + i}:8001`, `${host}:${port}`] as const)
    const further = nodes.slice(3).map(({ host }, i) => `    server node${i + 4} ${host}:${port}\n`)
    const file = path.join(redis.folder, `haproxy-${own}.cfg`)
    const names = { 'bind :8000': `bind 127.0.0.1:${own}`, ...Object.fromEntries(servers) }
    writeFileSync(file, `${replaced(documented, names)}${further.join('')}`)
    const haproxy = new Haproxy(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }), `http://127.0.0.1:${own}/`)
    await until('HAProxy listens', () =>
      fetch(`${haproxy.url}api/v1/health/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    return haproxy
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  fetchUrl(url: string): string {
    return `${this.url}api/v1/fetch?url=${encodeURIComponent(url)}`
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

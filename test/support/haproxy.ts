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

  /** Resolves when a node answers through it. */
  static async start({ nodes, port, redis }: TestCluster): Promise<Haproxy> {
    const own = await freePort()
    const documented = readFileSync(path.join(project, 'docs/proxy/haproxy.cfg'), 'utf8')
    const servers = nodes.map(({ host }, i) => [`10.0.0.${i + 1}:8001`, `${host}:${port}`] as const)
    const file = path.join(redis.folder, 'haproxy.cfg')
    writeFileSync(file, replaced(documented, { 'bind :8000': `bind 127.0.0.1:${own}`, ...Object.fromEntries(servers) }))
    const haproxy = new Haproxy(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }), `http://127.0.0.1:${own}/`)
    await until('HAProxy listens', () =>
      fetch(`${haproxy.url}api/v1/health/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    return haproxy
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

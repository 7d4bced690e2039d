/** A `kiss serve` of its own, in a cache directory of its own, for one benchmark. */
import { once } from 'node:events'
import { Sandbox, type Running } from '../support/cli.js'

export interface BenchServer {
  readonly sandbox: Sandbox
  readonly running: Running
  readonly pid: number
  readonly fetchUrl: (url: string) => string
  readonly stop: () => Promise<void>
}

export async function startKiss(args: readonly string[] = []): Promise<BenchServer> {
  const sandbox = new Sandbox()
  const running = sandbox.start(['serve', '--port', '0', '--allow-upstream', '127.0.0.0/8', ...args])
  const [line] = (await once(running.child.stdout, 'data')) as [Buffer]
  const base = /http:\/\/\S+/.exec(line.toString())?.[0].replace(/\/$/, '') ?? ''
  return {
    sandbox,
    running,
    pid: running.child.pid ?? 0,
    fetchUrl: (url) => `${base}/api/v1/fetch?url=${encodeURIComponent(url)}`,
    stop: async () => {
      running.child.kill('SIGTERM')
      await running.ended
      sandbox.remove()
    },
  }
}

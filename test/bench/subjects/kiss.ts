/** kiss itself, alone and behind nginx, which sends the finished bodies. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { project } from '../../support/cli.js'
import { startNginx, withoutNginx } from '../../support/nginx.js'
import { program, type Program, type Started, type Subject } from './subject.js'

export function kiss(workers: number): Subject {
  return {
    name: workers === 1 ? 'kiss' : `kiss × ${workers}`,
    peer: false,
    async start(directory, origin): Promise<Started> {
      const running = await serve(directory, ['--workers', String(workers)])
      const base = urlOf(running)
      return { url: (path, ttl) => fetchUrl(base, origin, path, ttl), pids: running.pids, stop: () => running.stop() }
    },
  }
}

/** nginx as in docs/proxy/kiss.conf, with `--x-accel-redirect`. */
export const kissBehindNginx: Subject = {
  name: 'nginx + kiss',
  peer: false,
  missing: withoutNginx,
  async start(directory, origin) {
    const running = await serve(directory, ['--x-accel-redirect', '/kiss-blobs/'])
    const nginx = await startNginx(Number(new URL(urlOf(running)).port), path.join(directory, 'cache/blobs'), 4096)
    return {
      url: (path, ttl) => fetchUrl(nginx.url, origin, path, ttl),
      pids: [...running.pids, nginx.pid],
      async stop() {
        await nginx.stop()
        await running.stop()
      },
    }
  },
}

function serve(directory: string, args: readonly string[]): Promise<Program> {
  const cache = path.join(directory, 'cache')
  mkdirSync(cache)
  const all = ['serve', '--port', '0', '--cache-dir', cache, '--allow-upstream', '127.0.0.0/8', ...args]
  return program(process.execPath, [path.join(project, 'bin/run.js'), ...all], { directory })
}

function urlOf(running: Program): string {
  return /http:\/\/\S+/.exec(running.said())?.[0] ?? ''
}

function fetchUrl(base: string, origin: string, path: string, ttl?: number): string {
  const lifetime = ttl === undefined ? '' : `&ttl=${ttl}s`
  return `${base}api/v1/fetch?url=${encodeURIComponent(`${origin}${path}`)}${lifetime}`
}

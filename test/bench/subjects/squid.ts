/** Squid as a reverse proxy that collapses requests of one URL. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from '../../support/nginx.js'
import { notInstalled, program, searchPath, type Subject } from './subject.js'

export const squid: Subject = {
  name: 'Squid',
  peer: true,
  missing: () => notInstalled('squid', '-v'),
  async start(directory, origin) {
    const port = await freePort()
    for (const name of ['cache', 'logs']) {
      mkdirSync(path.join(directory, name))
      // Started by root, it works as the user proxy.
      chmodSync(path.join(directory, name), 0o777)
    }
    chmodSync(directory, 0o777)
    const file = path.join(directory, 'squid.conf')
    writeFileSync(
      file,
      `http_port 127.0.0.1:${port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent ${new URL(origin).port} 0 no-query originserver
http_access allow all
collapsed_forwarding on
cache_dir aufs ${directory}/cache 8000 16 256
maximum_object_size 8 GB
quick_abort_min -1 KB
pid_filename ${directory}/logs/pid
pinger_enable off
cache_log ${directory}/logs/cache.log
access_log stdio:${directory}/logs/access.log
coredump_dir ${directory}
shutdown_lifetime 0 seconds
visible_hostname bench
`,
    )
    const { status, stderr } = spawnSync('squid', ['-N', '-z', '-f', file], { env: { PATH: searchPath } })
    if (status !== 0) throw new Error(`squid cannot make its directories: ${stderr.toString()}`)
    const running = await program('squid', ['-N', '-f', file], { directory, port })
    return { ...running, url: (path) => `http://127.0.0.1:${port}${path}` }
  },
}

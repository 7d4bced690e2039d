/** nginx as a caching reverse proxy that downloads a URL once. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from '../../support/nginx.js'
import { notInstalled, program, type Subject } from './subject.js'

export interface NginxOptions {
  readonly workers: number
  /** False: bodies go through two buffers of 1 MiB, as they must under TLS. */
  readonly sendfile: boolean
}

export function nginx({ workers, sendfile }: NginxOptions): Subject {
  return {
    name: `nginx${sendfile ? '' : ' buffered'}${workers === 1 ? '' : ` × ${workers}`}`,
    peer: true,
    missing: () => notInstalled('nginx', '-v'),
    async start(directory, origin) {
      const port = await freePort()
      for (const name of ['temp', 'logs']) mkdirSync(path.join(directory, name))
      const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (kind) => `${kind}_temp_path ${directory}/temp/${kind};`,
      )
      const file = path.join(directory, 'nginx.conf')
      writeFileSync(
        file,
        `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes ${workers}; worker_rlimit_nofile 16384;
pid ${directory}/pid; error_log ${directory}/logs/error.log;
events { worker_connections 4096; }
http {
  ${temps.join(' ')}
  access_log ${directory}/logs/access.log;
  ${sendfile ? 'sendfile on; tcp_nopush on;' : 'sendfile off; output_buffers 2 1m;'}
  keepalive_requests 100000000;
  proxy_cache_path ${directory}/cache levels=1:2 keys_zone=artifacts:16m max_size=100g inactive=10d use_temp_path=off;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass ${origin};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache artifacts;
      proxy_cache_revalidate on;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 1h;
      proxy_cache_lock_age 1h;
      proxy_read_timeout 1h;
    }
  }
}
`,
      )
      const args = ['-p', directory, '-e', path.join(directory, 'logs/error.log'), '-c', file]
      const running = await program('nginx', args, { directory, port })
      return { ...running, url: (path) => `http://127.0.0.1:${port}${path}` }
    },
  }
}

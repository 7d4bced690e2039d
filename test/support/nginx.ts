/** A real nginx as an ordinary process on loopback, with the server block of docs/proxy/kiss.conf. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { project } from './cli.js'
import { until } from './until.js'

export interface Nginx {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
  readonly pid: number
  errors(): string
  stop(): Promise<void>
}

/** Why there is no nginx here; undefined where there is one. */
export function withoutNginx(): string | undefined {
  return spawnSync('nginx', ['-v'], { env: { PATH: searchPath } }).error === undefined
    ? undefined
    : 'nginx is not installed'
}

/** Debian puts it where only root looks. */
const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

/** @param blobs what the internal location shows */
export async function startNginx(kissPort: number, blobs: string, connections = 256): Promise<Nginx> {
  const root = mkdtempSync(path.join(tmpdir(), 'kiss-nginx-'))
  mkdirSync(path.join(root, 'logs'))
  mkdirSync(path.join(root, 'temp'))
  // Where root starts it, its workers are somebody else.
  chmodSync(root, 0o755)
  const port = await freePort()
  const documented = readFileSync(path.join(project, 'docs/proxy/kiss.conf'), 'utf8')
  const server = replaced(documented, {
    'server 127.0.0.1:8001;': `server 127.0.0.1:${kissPort};`,
    'listen 80;': `listen 127.0.0.1:${port};`,
    'alias /var/cache/kiss/blobs/;': `alias ${blobs}/;`,
  })
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temps = kinds.map((kind) => `${kind}_temp_path ${root}/temp/${kind};`).join(' ')
  writeFileSync(
    path.join(root, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off; master_process on; worker_processes 1; pid ${root}/pid;
error_log ${root}/logs/error.log info;
events { worker_connections ${connections}; }
http { access_log off; default_type application/octet-stream; gzip on; gzip_types *; ${temps}
${server}}
`,
  )
  const child = spawn('nginx', ['-p', root, '-e', `${root}/logs/error.log`, '-c', `${root}/nginx.conf`], {
    env: { PATH: searchPath },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}/`
  await until('nginx listens', () => {
    if (child.exitCode !== null) throw new Error(`nginx does not start: ${said}`)
    return answers(url)
  })
  return {
    url,
    pid: child.pid ?? 0,
    errors: () => readFileSync(path.join(root, 'logs/error.log'), 'utf8'),
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Every text has to be there: a document that changes must not leave the test behind. */
export function replaced(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`the documentation no longer has ${from}`)
    return result.replace(from, to)
  }, text)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}

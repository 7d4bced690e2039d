/** The share of URLs that the hash of the documented HAProxy gives to the busiest of a number of nodes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { project } from '../../support/cli.js'
import { freePort } from '../../support/cluster.js'
import { until } from '../../support/until.js'

/** Builds, each with four artifacts. */
const BUILDS = 5_000
const FILES = ['Image.gz', 'modules.tar.xz', 'board.dtb', 'rootfs.ext4.gz']

/** The busiest node's share of the URLs, over the mean; by the number of nodes. */
export async function measureShares(counts: readonly number[]): Promise<Map<number, number>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kiss-shares-'))
  const documented = readFileSync(path.join(project, 'docs/proxy/haproxy.cfg'), 'utf8')
  const [defaults = ''] = /^defaults\n(?:(?!^\w).*\n)+/m.exec(documented) ?? []
  const balance = (documented.match(/^ +(?:balance|hash-type) .*\n/gm) ?? []).join('')
  const [, weight = ''] = /default-server.* (weight \d+)/.exec(documented) ?? []
  if (defaults === '' || balance === '' || weight === '') throw new Error('the documented HAProxy has another hash')
  const [node, ...ports] = await Promise.all([freePort(), ...counts.map(() => freePort())])
  const clusters = counts.map((count, i) => {
    const servers = Array.from({ length: count }, (_, n) => `    server node${n + 1} 127.0.0.1:${node} ${weight}\n`)
    return `
listen of-${count}
    bind 127.0.0.1:${ports[i]}
${balance}    http-response set-header node %s
${servers.join('')}`
  })
  const file = path.join(folder, 'haproxy.cfg')
  const nodes = `frontend node\n    bind 127.0.0.1:${node}\n    http-request return status 200\n`
  writeFileSync(file, `${defaults}${nodes}${clusters.join('')}`)
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' })
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  try {
    const shares = new Map<number, number>()
    for (const [i, count] of counts.entries()) {
      const nodeOf = async (artifact: string): Promise<string> => {
        const url = `http://127.0.0.1:${ports[i]}/api/v1/fetch?url=${encodeURIComponent(artifact)}`
        const [answer] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
        await once(answer.resume(), 'end')
        return String(answer.headers['node'])
      }
      await until('HAProxy answers', () =>
        nodeOf('').then(
          () => true,
          () => false,
        ),
      )
      const found = new Map<string, number>()
      for (let build = 0; build < BUILDS; build++) {
        const names = FILES.map((name) =>
          nodeOf(`https://storage.example.com/builds/${build}/${name}?signature=${build}`),
        )
        for (const name of await Promise.all(names)) found.set(name, (found.get(name) ?? 0) + 1)
      }
      shares.set(count, Math.max(...found.values()) / ((BUILDS * FILES.length) / count))
    }
    return shares
  } finally {
    agent.destroy()
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    rmSync(folder, { recursive: true })
  }
}

/** docs/cluster/compose.yaml: its services run as processes on loopback, with its commands, environment and files. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { get } from '../server/support/client.js'
import { project, Sandbox } from '../support/cli.js'
import { freePort, has } from '../support/cluster.js'
import { replaced } from '../support/nginx.js'
import { bytes, Origin } from '../support/origin.js'
import { Serving } from '../support/serving.js'
import { until } from '../support/until.js'

interface Service {
  readonly image: string
  readonly command?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly networks: { readonly default: { readonly ipv4_address: string } }
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: {
    readonly default: { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } }
  }
  readonly volumes: Readonly<Record<string, null>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const folder = path.join(project, 'docs/cluster')
const compose = parse(readFileSync(path.join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as Compose
const service = (name: string): Service => compose.services[name] ?? assert.fail(`there is a service ${name}`)
const addressOf = (name: string): string => service(name).networks.default.ipv4_address
const nodes = Object.keys(compose.services).filter((name) => name.startsWith('node'))

/** The arguments of the image's command, for example `serve --host 0.0.0.0`. */
const [, command = ''] =
  /^CMD (\[.*\])$/m.exec(readFileSync(path.join(project, 'docs/docker/Dockerfile'), 'utf8')) ?? []

describe('docs/cluster/compose.yaml', () => {
  it('names files that exist, its own volumes and secrets, and the file that its first lines create', () => {
    const text = readFileSync(path.join(folder, 'compose.yaml'), 'utf8')
    const secrets = Object.values(compose.secrets).map(({ file }) => path.join(folder, file))
    for (const file of secrets) assert.ok(text.includes(`> ${path.relative(project, file)})`), file)
    for (const [name, { build, volumes = [], secrets: used = [] }] of Object.entries(compose.services)) {
      if (build) assert.ok(existsSync(path.join(folder, build.context, build.dockerfile)), name)
      for (const secret of used) assert.ok(secret in compose.secrets, `${name}: ${secret}`)
      for (const [source = ''] of volumes.map((volume) => volume.split(':')))
        assert.ok(source in compose.volumes || existsSync(path.join(folder, source)), `${name}: ${source}`)
    }
    assert.equal(nodes.length, 3)
    assert.equal(new Set(nodes.map((name) => service(name).volumes?.[0])).size, nodes.length)
  })

  it('gives every service its own address of the network, and the nodes those of haproxy.cfg', () => {
    const [subnet = ''] = /^[\d.]+\./.exec(compose.networks.default.ipam.config[0]!.subnet) ?? []
    const addresses = Object.keys(compose.services).map(addressOf)
    assert.equal(new Set(addresses).size, addresses.length)
    for (const address of addresses) assert.ok(address.startsWith(subnet), address)
    const servers = [...haproxyText().matchAll(/^ +server (\S+) (\S+):8001$/gm)].map(([, name, host]) => [name, host])
    assert.deepEqual(
      servers,
      nodes.map((name) => [name, addressOf(name)]),
    )
  })
})

function haproxyText(): string {
  const [file = ''] = service('haproxy').volumes?.[0]?.split(':') ?? []
  return readFileSync(path.join(folder, file), 'utf8')
}

const describeWithHaproxy = has('redis-server') && has('haproxy') ? describe : describe.skip

describeWithHaproxy('the services of docs/cluster/compose.yaml', function () {
  this.timeout(60_000)
  const sandboxes = nodes.map(() => new Sandbox())
  const servings: Serving[] = []
  const children: ChildProcess[] = []
  let origin: Origin
  let entry = ''

  const environments: Record<string, string>[] = []
  before(async () => {
    origin = await Origin.start()
    const [port, redisPort, entryPort] = await Promise.all([freePort(), freePort(), freePort()])
    const root = sandboxes[0]!.root
    const token = path.join(root, 'cluster-token')
    writeFileSync(token, '00112233445566778899aabbccddeeff\n')
    const hosts = nodes.map((_, i) => `127.0.0.${i + 2}`)

    // A shell reads the quotes of the command as Docker does.
    const redis = `${service('redis').command} --port ${redisPort} --bind 127.0.0.1 --dir ${root}`
    children.push(spawn('sh', ['-c', `exec ${redis}`], { stdio: 'ignore' }))

    const servers = nodes.map((name, i) => [`${addressOf(name)}:8001`, `${hosts[i]}:${port}`] as const)
    const file = path.join(root, 'haproxy.cfg')
    const bind = { 'bind :8000': `bind 127.0.0.1:${entryPort}` }
    writeFileSync(file, replaced(haproxyText(), { ...bind, ...Object.fromEntries(servers) }))
    assert.equal(spawnSync('haproxy', ['-c', '-f', file]).status, 0)
    children.push(spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }))
    entry = `http://127.0.0.1:${entryPort}/`

    for (const [i, name] of nodes.entries()) {
      const text = JSON.stringify(service(name).environment)
      const env = JSON.parse(
        replaced(text, {
          [`redis://${addressOf('redis')}`]: `redis://127.0.0.1:${redisPort}`,
          [`http://${addressOf(name)}:8001`]: `http://${hosts[i]}:${port}`,
          '/run/secrets/cluster-token': token,
          [addressOf('haproxy')]: '127.0.0.1',
          '10.0.0.0/8': '127.0.0.0/8',
        }),
      ) as Record<string, string>
      environments.push({ ...env, KISS_PORT: String(port), KISS_ALLOW_UPSTREAM: '127.0.0.1' })
    }
    const args = hosts.map((host) => JSON.parse(replaced(command, { '0.0.0.0': host })) as string[])
    for (const [i, [first, ...rest]] of args.entries()) {
      assert.equal(first, 'serve')
      servings.push(await Serving.start(sandboxes[i]!, [...rest, '--port', String(port)], { env: environments[i]! }))
    }
    await until('HAProxy answers', () =>
      get(`${entry}api/v1/health/`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
  })
  after(async () => {
    for (const serving of servings) await serving.stop()
    for (const child of children) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    for (const sandbox of sandboxes) sandbox.remove()
    await origin.close()
  })

  it('have settings that `kiss serve --check` accepts', async () => {
    const { code, stderr } = await sandboxes[1]!.run(['serve', '--check'], { env: environments[1]! })
    assert.equal(code, 0, stderr)
  })

  it('form one cluster, which downloads an artifact once', async () => {
    await until('every node knows the others', async () => {
      const { text } = await get(`${servings[2]!.url}metrics`)
      return /^kiss_cluster_nodes\{state="serving"\} 3$/m.test(text)
    })
    const body = bytes('composed', 100_000)
    origin.serve('/composed', { body, etag: '"c"' })
    const url = origin.url('/composed')
    const through = await get(`${entry}api/v1/fetch?url=${encodeURIComponent(url)}`)
    assert.ok(through.body.equals(body), through.text)
    for (const serving of servings) assert.ok((await serving.fetch(url)).body.equals(body))
    assert.equal(origin.log('/composed').length, 1)
  })

  it('take the address of a client from HAProxy, and refuse a client of another network', async () => {
    const url = `${entry}api/v1/fetch?url=${encodeURIComponent(origin.url('/refused'))}`
    // HAProxy adds its own client to the list; 127.0.0.1 is a trusted proxy here, so the next address counts.
    const { status } = await get(url, { headers: { 'X-Forwarded-For': '203.0.113.7' } })
    assert.equal(status, 403)
    assert.equal(origin.log('/refused').length, 0)
  })

  it('run Redis without evictions and without files', () => {
    const redisPort = new URL(environments[0]!['KISS_CLUSTER']!).port
    const { stdout } = spawnSync('redis-cli', ['-p', redisPort, 'CONFIG', 'GET', '*'], { encoding: 'utf8' })
    assert.match(stdout, /^maxmemory-policy\nnoeviction$/m)
    assert.match(stdout, /^save\n$/m)
    assert.match(stdout, /^appendonly\nno$/m)
  })
})

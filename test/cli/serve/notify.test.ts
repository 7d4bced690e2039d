import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { notifySystemd } from '#kiss/cli/serve/announce.js'
import { listening, Sandbox } from '../../support/cli.js'
import { until } from '../../support/until.js'

/** A receiver of datagrams, which Node has not got: prints each that is not the barrier. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text = s.recv(4096).decode()
    if text.strip() and 'BARRIER' not in text:
        print(text.replace('\\n', ' '), flush=True)
`

function has(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

describe('the notifications of kiss serve to systemd', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
  })
  afterEach(() => sandbox.remove())

  /** A program of this name that notes what it was told. */
  const standIn = (): { env: Record<string, string>; told: () => string[] } => {
    const bin = path.join(sandbox.root, 'bin')
    const notes = path.join(sandbox.root, 'told')
    mkdirSync(bin)
    writeFileSync(path.join(bin, 'systemd-notify'), `#!/bin/sh\necho "$*" >> '${notes}'\n`)
    chmodSync(path.join(bin, 'systemd-notify'), 0o755)
    const env = { PATH: `${bin}:${process.env.PATH ?? ''}`, NOTIFY_SOCKET: '/nowhere' }
    // The file is there before its first line.
    const told = (): string[] => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').slice(0, -1) : [])
    return { env, told }
  }

  for (const workers of ['1', '2']) {
    it(`kiss serve notifies systemd once when it listens and once when it ends (--workers ${workers})`, async () => {
      const { env, told } = standIn()
      const running = sandbox.start(['serve', '--port', '0', '--workers', workers], { env })
      const { child, ended } = running
      const url = await listening(running)
      await until('a notification', () => told().length > 0)
      assert.deepEqual(told(), [`READY=1 STATUS=listening on ${url}`])
      child.kill('SIGTERM')
      assert.equal((await ended).code, 0)
      assert.deepEqual(told().slice(1), ['STOPPING=1 STATUS=waiting for readers'])
    })
  }

  it('kiss serve sends no notification without NOTIFY_SOCKET', async () => {
    const { env, told } = standIn()
    const running = sandbox.start(['serve', '--port', '0'], { env: { ...env, NOTIFY_SOCKET: undefined } })
    const { child, ended } = running
    await listening(running)
    child.kill('SIGTERM')
    assert.equal((await ended).code, 0)
    assert.deepEqual(told(), [])
  })

  it('kiss serve logs one line when systemd-notify is missing', async () => {
    const warnings: string[] = []
    const PATH = process.env.PATH
    process.env.PATH = sandbox.root
    try {
      await notifySystemd('READY=1', 's', { env: { NOTIFY_SOCKET: '/x' }, warn: (line) => warnings.push(line) })
    } finally {
      process.env.PATH = PATH
    }
    assert.match(warnings.join('\n'), /^systemd-notify READY=1: .*ENOENT/)
  })

  it('systemd-notify sends the message through the socket of systemd', async function () {
    if (!has('systemd-notify') || !has('python3')) return this.skip()
    const socket = path.join(sandbox.root, 'notify')
    const listener = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const lines = createInterface(listener.stdout)
      await once(lines, 'line')
      const { child, ended } = sandbox.start(['serve', '--port', '0'], { env: { NOTIFY_SOCKET: socket } })
      const [heard] = (await once(lines, 'line')) as [string]
      assert.match(heard, /^READY=1 STATUS=listening on http:\/\/127\.0\.0\.1:\d+\/\s*$/)
      child.kill('SIGTERM')
      await ended
    } finally {
      listener.kill()
    }
  })
})

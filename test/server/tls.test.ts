import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, type PeerCertificate } from 'node:tls'
import { KissError } from '#kiss/errors.js'
import { readTls } from '#kiss/server/tls.js'
import { testServers } from './support/servers.js'

const data = fileURLToPath(new URL('../../data/tls/', import.meta.url))

/** The common name of the certificate that is shown, and the answer to a request. */
function ask(port: number): Promise<{ name: string; text: string }> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.write('GET /api/v1/health/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    })
    const certificate = (): PeerCertificate => socket.getPeerCertificate()
    let name = ''
    socket.on('secureConnect', () => (name = String(certificate().subject.CN)))
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('error', reject)
    socket.on('close', () => resolve({ name, text }))
  })
}

describe('TLS', () => {
  const start = testServers()
  let directory: string
  let certFile: string
  let keyFile: string
  const use = async (name: 'first' | 'second'): Promise<void> => {
    await copyFile(join(data, `${name}-cert.pem`), certFile)
    await copyFile(join(data, `${name}-key.pem`), keyFile)
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kiss-tls-'))
    certFile = join(directory, 'cert.pem')
    keyFile = join(directory, 'key.pem')
    await use('first')
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('serves with the given certificate, and with a new one after a reload', async () => {
    const server = await start({ tls: { certFile, keyFile } })
    assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+\/$/)
    const before = await ask(server.port)
    assert.equal(before.name, 'first')
    assert.match(before.text, /^HTTP\/1\.1 200 [^]*ok$/)
    await use('second')
    server.updateTls(readTls({ certFile, keyFile }))
    assert.equal((await ask(server.port)).name, 'second')
  })

  it('keeps the old certificate when the new one cannot be used', async () => {
    const server = await start({ tls: { certFile, keyFile } })
    await writeFile(certFile, 'nonsense')
    assert.throws(
      () => server.updateTls(readTls({ certFile, keyFile })),
      (error) => error instanceof KissError && error.code === 'configuration',
    )
    assert.equal((await ask(server.port)).name, 'first')
  })

  it('cuts off clients that never shake hands or do not speak TLS', async () => {
    const server = await start({ tls: { certFile, keyFile }, limits: { headersTimeout: 50 } })
    for (const text of ['', '\x16\x03\x01\x02\x00\x01', 'GET / HTTP/1.1\r\n\r\n']) {
      const socket = connectPlain(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.resume().write(text, 'latin1')
      await once(socket, 'close')
    }
    assert.equal((await ask(server.port)).name, 'first')
  })

  it('does not start without a certificate, or with the key of another', async () => {
    const refused = (error: unknown): boolean => error instanceof KissError && error.code === 'configuration'
    await assert.rejects(start({ tls: { certFile: join(directory, 'none'), keyFile } }), refused)
    await copyFile(join(data, 'second-key.pem'), keyFile)
    await assert.rejects(start({ tls: { certFile, keyFile } }), refused)
  })
})

describe('listening', () => {
  const start = testServers()

  it('says so when the port is taken', async () => {
    const { port } = await start()
    await assert.rejects(
      start({ port }),
      (error) => error instanceof KissError && error.exit === 2 && /taken.*--port|--port/.test(error.message),
    )
  })
})

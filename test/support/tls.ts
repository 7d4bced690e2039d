/** Certificates for tests, made when they are needed: an authority of its own and a server's key and certificate. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificates {
  /** PEM file of the authority. */
  readonly caFile: string
  /** PEM, for a server on 127.0.0.1, ::1 and `localhost`. */
  readonly key: Buffer
  readonly cert: Buffer
  remove(): Promise<void>
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'kiss-tls-'))
  const file = (name: string) => join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.pem'), '-subj', '/CN=kiss test authority']
  await run('openssl', ['req', '-x509', ...key, ...authority, '-days', '2'])
  const server = ['-keyout', file('server.key'), '-out', file('server.pem'), '-subj', '/CN=localhost']
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1', '-addext', 'basicConstraints=CA:FALSE']
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-days', '2']
  await run('openssl', ['req', '-x509', ...key, ...server, ...names, ...signed])
  return {
    caFile: file('ca.pem'),
    key: await readFile(file('server.key')),
    cert: await readFile(file('server.pem')),
    remove: () => rm(folder, { recursive: true }),
  }
}

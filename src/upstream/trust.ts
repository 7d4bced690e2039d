/** Which certificates to trust beside the defaults. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { KissError, systemCode } from '../errors.js'

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The part of a secure context that Node's types leave out; the same in 20, 22 and 24. */
interface NativeContext {
  addCACert(pem: string): void
}

/** In place of a file: those of the operating system. */
const SYSTEM = 'system'

/** Where distributions keep them: Debian and Alpine, Fedora, openSUSE, the BSDs and macOS. */
const systemFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** `SSL_CERT_FILE` is OpenSSL's own name for another place. */
async function systemCertificates(): Promise<string> {
  const named = process.env['SSL_CERT_FILE'] ?? ''
  if (named !== '') return readCertificates(named)
  for (const file of systemFiles) {
    const pem = await readFile(file, 'latin1').catch(() => undefined)
    if (pem !== undefined) return pem
  }
  throw new KissError('configuration', `--ca-file system: there are no certificates in ${systemFiles.join(', ')}`, {
    hint: 'install ca-certificates, or name the file',
  })
}

async function readCertificates(file: string): Promise<string> {
  return readFile(file, 'latin1').catch((cause: unknown) => {
    throw new KissError(
      'configuration',
      `cannot read the certificates in ${file}: ${systemCode(cause) ?? String(cause)}`,
      {
        cause,
      },
    )
  })
}

/**
 * Node's default roots, those of NODE_EXTRA_CA_CERTS (`extraFile`), and the certificates of a PEM file. The `ca` option
 * would replace the first two; adding to a default context keeps the roots, and in Node 20 loses the extra ones, so they
 * are added too. Throws KissError `configuration`.
 */
export async function trusting(caFile: string, extraFile: string | undefined): Promise<SecureContext> {
  const pem = caFile === SYSTEM ? await systemCertificates() : await readCertificates(caFile)
  const certificates = pem.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new KissError('configuration', `there is no PEM certificate in ${caFile}`)
  certificates.forEach((certificate, index) => {
    if (readable(certificate)) return
    throw new KissError('configuration', `certificate ${index + 1} in ${caFile} cannot be read`)
  })
  // Node has warned at its start of an extra file that it cannot read, and goes on.
  const extra = extraFile === undefined ? '' : await readFile(extraFile, 'latin1').catch(() => '')
  const secure = createSecureContext()
  const native = secure.context as NativeContext
  for (const certificate of [...certificates, ...(extra.match(CERTIFICATE) ?? []).filter(readable)]) {
    native.addCACert(certificate)
  }
  return secure
}

function readable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0
  } catch {
    return false
  }
}

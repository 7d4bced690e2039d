/** Which certificates to trust beside the defaults. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { KissError } from '../errors.js'

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The part of a secure context that Node's types leave out; the same in 20, 22 and 24. */
interface NativeContext {
  addCACert(pem: string): void
}

/**
 * Node's default roots, NODE_EXTRA_CA_CERTS, and the certificates of a PEM file. (The `ca` option would replace the first
 * two, so the file is added to a default context.) Throws KissError `configuration`.
 */
export async function trusting(caFile: string): Promise<SecureContext> {
  const pem = await readFile(caFile, 'latin1').catch((cause: unknown) => {
    throw new KissError('configuration', `cannot read the certificates in ${caFile}`, { cause })
  })
  const certificates = pem.match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new KissError('configuration', `there is no PEM certificate in ${caFile}`)
  const secure = createSecureContext()
  const native = secure.context as NativeContext
  certificates.forEach((certificate, index) => {
    try {
      new X509Certificate(certificate)
      native.addCACert(certificate)
    } catch (cause) {
      throw new KissError('configuration', `certificate ${index + 1} in ${caFile} cannot be read`, { cause })
    }
  })
  return secure
}

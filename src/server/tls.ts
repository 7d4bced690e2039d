/** Certificates from files, which may change while the server runs. */

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { asKissError, KissError } from '../errors.js'

export interface TlsFiles {
  /** PEM: the certificate, and its chain after it. */
  readonly certFile: string
  /** PEM. */
  readonly keyFile: string
}

export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
}

/** @throws KissError `configuration` when a file cannot be read, or key and certificate do not belong together */
export function readTls({ certFile, keyFile }: TlsFiles): TlsMaterial {
  const material = { cert: read(certFile, '--tls-cert'), key: read(keyFile, '--tls-key') }
  try {
    createSecureContext(material)
  } catch (error) {
    throw asKissError(error, 'configuration', `cannot use ${certFile} with ${keyFile}`)
  }
  return material
}

function read(file: string, flag: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new KissError('configuration', `${flag}: cannot read ${file}`, { cause: error })
  }
}

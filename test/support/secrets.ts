/** Looks for secrets where none may be. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

/** Every form in which `secret` may hide in text: as it is, percent-encoded, in hex, in base64 at each of the three offsets. */
export function formsOf(secret: string): Buffer[] {
  const shifted = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64')
    return encoded.slice(offset === 0 ? 0 : 4, -4)
  })
  const urlSafe = shifted.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))
  const hex = Buffer.from(secret).toString('hex')
  const everyByte = hex.replace(/../g, '%$&')
  const percent = [encodeURIComponent(secret), everyByte, everyByte.toUpperCase()]
  return [secret, ...percent, hex, ...shifted, ...urlSafe].map((form) => Buffer.from(form))
}

/** Which of the secrets stand in a text, in any form. */
export function secretsIn(text: string | Buffer, secrets: readonly string[]): string[] {
  const content = Buffer.from(text)
  return secrets.filter((secret) => formsOf(secret).some((form) => content.includes(form)))
}

/** The files below `folder` in which one of the secrets stands, in any form. */
export async function filesWith(folder: string, secrets: readonly string[]): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const hits = []
  for (const file of files.filter((entry) => entry.isFile())) {
    const name = path.join(file.parentPath, file.name)
    const content = Buffer.concat([Buffer.from(name), await readIfThere(name)])
    if (secretsIn(content, secrets).length > 0) hits.push(name)
  }
  return hits
}

/** A file may be renamed while its folder is read; then it is found under its new name, or was replaced. */
async function readIfThere(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

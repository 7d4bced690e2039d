/** Writes a new plugin: the files of templates.ts in a folder that did not exist or was empty. */

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { KissError, systemCode } from '../../errors.js'
import { templates } from './templates.js'

export interface SkeletonOptions {
  /** Default `kiss-NAME`. */
  readonly folder: string | undefined
  /** Commands and topics that exist. */
  readonly taken: readonly string[]
  /** Of kiss. */
  readonly version: string
}

/** Schemes that mean something else. */
const schemes = ['http', 'https', 'file', 'data', 'ftp', 'github', 's3']

/** @throws KissError `usage` for a name or a folder that cannot be used, `disk` */
export async function writeSkeleton(
  name: string,
  { folder = `kiss-${name}`, taken, version }: SkeletonOptions,
): Promise<{ folder: string; files: string[] }> {
  if (!/^[a-z][a-z0-9]{1,39}$/.test(name)) {
    throw new KissError('usage', `${JSON.stringify(name)} is no name: expected small letters and digits, such as lab`)
  }
  if (schemes.includes(name) || taken.some((id) => id.split(':')[0] === name)) {
    throw new KissError('usage', `${name} is taken: kiss has a command or URLs of that name`)
  }
  const files = templates(name, version)
  try {
    await mkdir(folder, { recursive: true })
    if ((await readdir(folder)).length > 0) throw new KissError('usage', `${folder} is not empty`)
    for (const [file, text] of Object.entries(files)) {
      const place = path.join(folder, file)
      await mkdir(path.dirname(place), { recursive: true })
      await writeFile(place, text, { flag: 'wx' })
    }
  } catch (error) {
    if (error instanceof KissError) throw error
    throw new KissError('disk', `cannot write ${folder}: ${systemCode(error) ?? String(error)}`, { cause: error })
  }
  return { folder, files: Object.keys(files) }
}

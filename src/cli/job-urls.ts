/** The URLs in job files, which plugins read through a hook of oclif. */

import type { Interfaces } from '@oclif/core'
import { KissError } from '../errors.js'
import { JOB_URLS_HOOK } from '../provider/types.js'

/** A hook reads a few files. Milliseconds. */
const HOOK_TIMEOUT = 30_000

/** @throws KissError `usage` for a file that no plugin can read */
export async function jobUrls(config: Interfaces.Config, files: readonly string[]): Promise<URL[]> {
  if (files.length === 0) return []
  const urls: URL[] = []
  const add = (url: URL): void => void urls.push(url)
  const { failures, successes } = await config.runHook(JOB_URLS_HOOK, { files, add }, HOOK_TIMEOUT, true)
  const error = failures[0]?.error
  if (error !== undefined) throw error
  if (successes.length === 0) throw new KissError('usage', 'no plugin reads job files')
  return urls
}

/** The jobs of a command line, as far as commands that only read them need them. */
import { KissError, unlessAborted } from 'kiss-cache/plugin'
import { sentence } from './diagnostics.js'
import { downloadsOf, type Download } from './downloads.js'
import { nameOf, readText, standard } from './files.js'
import { parseJob, type Job } from './parse.js'
import { problemsOf } from './rewrite.js'
import { serverBase } from './urls.js'

/**
 * @param stop ends the wait for standard input
 * @throws KissError `usage` for no file, a file that cannot be read, and one that is not YAML; the reason of `stop`
 */
export async function readJobs(files: readonly string[], stop?: AbortSignal): Promise<Job[]> {
  if (files.length === 0)
    throw new KissError('usage', 'there is no job', { hint: 'name a file, or - for standard input' })
  if (files.filter((file) => file === standard).length > 1)
    throw new KissError('usage', 'standard input can be read once')
  const jobs: Job[] = []
  for (const file of files) {
    const text = readText(file)
    jobs.push(parseJob(nameOf(file), await (stop === undefined ? text : unlessAborted(text, stop))))
  }
  return jobs
}

/** @param note hears of every download that does not go through a cache, and why downloads may be missing */
export async function readDownloads(
  files: readonly string[],
  server: URL | undefined,
  note: (line: string) => void,
  stop?: AbortSignal,
): Promise<Download[]> {
  const base = server === undefined ? undefined : baseOf(server)
  const jobs = await readJobs(files, stop)
  for (const job of jobs) for (const left of problemsOf(job)) note(`${job.name}:${left.line}: ${sentence(left)}`)
  const downloads = jobs.flatMap((job) => downloadsOf(job, base))
  for (const { file, line, note: reason } of downloads) if (reason !== undefined) note(`${file}:${line}: ${reason}`)
  return downloads
}

/** @throws KissError `usage` */
export function baseOf(server: URL): string {
  const base = serverBase(server.href)
  if (base !== undefined) return base
  throw new KissError('usage', '--server has to be an http or https URL without user, password, query and fragment')
}

/** The jobs of a command line, as far as commands that only read them need them. */
import { KissError } from 'kiss/plugin'
import { downloadsOf, type Download } from './downloads.js'
import { nameOf, readText, standard } from './files.js'
import { parseJob, type Job } from './parse.js'
import { serverBase } from './urls.js'

/** @throws KissError `usage` for no file, a file that cannot be read, and one that is not YAML */
export async function readJobs(files: readonly string[]): Promise<Job[]> {
  if (files.length === 0)
    throw new KissError('usage', 'there is no job', { hint: 'name a file, or - for standard input' })
  if (files.filter((file) => file === standard).length > 1)
    throw new KissError('usage', 'standard input can be read once')
  const jobs: Job[] = []
  for (const file of files) jobs.push(parseJob(nameOf(file), await readText(file)))
  return jobs
}

export async function readDownloads(files: readonly string[], server: URL | undefined): Promise<Download[]> {
  const base = server === undefined ? undefined : baseOf(server)
  return (await readJobs(files)).flatMap((job) => downloadsOf(job, base))
}

/** @throws KissError `usage` */
export function baseOf(server: URL): string {
  const base = serverBase(server.href)
  if (base !== undefined) return base
  throw new KissError('usage', '--server has to be an http or https URL without user, password, query and fragment')
}

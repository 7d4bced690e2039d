import { Args, BaseCommand, flagsFor, formatSize, tableLines, type Column } from 'kiss-cache/plugin'
import { lookUp, openShelf, type Lookup } from '../../lookup.js'
import { readDownloads } from '../../reading.js'

/** One of `urls` under `--json`. */
interface ListedUrl {
  readonly file: string
  readonly line: number
  readonly place: string
  readonly path: string
  readonly url: string
  /** null: it does not go through a cache, and `note` says why. */
  readonly cached: boolean | null
  /** Bytes, where it is cached. */
  readonly size: number | null
  readonly note: string | null
}

export default class Urls extends BaseCommand {
  static override readonly summary = 'list the downloads of LAVA jobs, and whether they are cached'
  static override readonly description = `Nothing is downloaded. Without --server it asks the local cache.`
  static override readonly examples = [
    { description: 'The downloads of a job', command: '<%= config.bin %> lava urls job.yaml' },
    {
      description: 'The downloads that a server has not cached yet',
      command:
        "<%= config.bin %> lava urls --server http://kiss:8001 --json job.yaml | jq -r '.urls[] | select(.cached == false).url'",
    },
  ]
  static override readonly args = {
    job: Args.string({ description: 'job files; - is standard input', multiple: true, ignoreStdin: true }),
  }
  static override readonly settingDefaults = { parallel: '8' }
  static override readonly flags = {
    ...flagsFor(['server', 'server-token-file', 'ca-file', 'cache-dir', 'parallel'], this.settingDefaults),
  }

  async run(): Promise<{ readonly urls: readonly ListedUrl[] }> {
    const { argv, flags } = await this.parse(Urls)
    const values = await this.values(flags)
    const downloads = await readDownloads(argv as string[], values.server[0], (line) => this.note(line), this.stop)
    const shelf = await openShelf(this, values, downloads)
    try {
      const lookups = await lookUp(shelf, downloads, { parallel: values.parallel, signal: this.stop })
      const columns = process.stdout.isTTY ? process.stdout.columns : undefined
      for (const line of tableLines(layout, lookups, columns)) this.log(line)
      return { urls: lookups.map(listed) }
    } finally {
      await shelf.close()
    }
  }
}

const layout: readonly Column<Lookup>[] = [
  { title: 'LINE', cell: ({ download: { file, line } }) => `${file}:${line}` },
  { title: 'PLACE', cell: ({ download }) => download.place },
  { title: 'SIZE', align: 'right', cell: ({ size }) => (size === null ? '-' : formatSize(size)) },
  { title: 'CACHED', cell: ({ cached }) => (cached === null ? '-' : cached ? 'yes' : 'no') },
  { title: 'URL', cell: ({ download }) => download.url },
]

function listed({ download, cached, size }: Lookup): ListedUrl {
  const { file, line, place, path, url, note } = download
  return { file, line, place, path, url, cached, size, note: note ?? null }
}

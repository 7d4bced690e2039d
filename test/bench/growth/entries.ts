/** Entries by the thousand, written into the index of a cache directory in which no process is working. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import path from 'node:path'

interface Database {
  all(sql: string, done: (error: Error | null, rows: { value: string }[]) => void): void
  exec(sql: string, done: (error: Error | null) => void): void
  close(done: (error: Error | null) => void): void
}
const { Database: Sqlite } = createRequire(import.meta.url)('sqlite3') as {
  Database: new (file: string) => Database
}

/** Rows of one statement. */
const BATCH = 1_000

/**
 * Adds entries like the one that is there: those of `urls` name its body, `count` others name bodies that have no file.
 */
export async function plant(cacheDir: string, urls: readonly string[], count: number): Promise<void> {
  const database = new Sqlite(path.join(cacheDir, 'index.sqlite'))
  const exec = (sql: string): Promise<void> =>
    new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())))
  const [row] = await new Promise<{ value: string }[]>((resolve, reject) =>
    database.all('SELECT value FROM entries LIMIT 1', (error, rows) => (error ? reject(error) : resolve(rows))),
  )
  const template = (JSON.parse(row?.value ?? '{}') as { value: { sha256: string } }).value
  const rows = async (
    ofBatch: (n: number) => { id: string; url: string; sha256: string },
    all: number,
  ): Promise<void> => {
    for (let from = 0; from < all; from += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, all - from) }, (_, i) => ofBatch(from + i))
      const blobs = batch.filter(({ sha256 }) => sha256 !== template.sha256)
      if (blobs.length > 0) {
        const values = blobs.map(({ sha256 }, i) => `('${sha256}', 4096, ${from + i}, 0)`).join()
        await exec(`INSERT INTO blobs (sha256, size, last_used, entries) VALUES ${values}`)
      }
      const entries = batch.map((own, i) => {
        const lastUsedAt = own.sha256 === template.sha256 ? Date.now() : from + i
        return `('${own.id}', '${JSON.stringify({ value: { ...template, ...own, lastUsedAt } }).replaceAll("'", "''")}')`
      })
      await exec(`INSERT INTO entries (key, value) VALUES ${entries.join()}`)
    }
  }
  await exec('PRAGMA synchronous = OFF; BEGIN')
  await rows((n) => ({ id: sha256(urls[n] ?? ''), url: urls[n] ?? '', sha256: template.sha256 }), urls.length)
  await rows((n) => {
    const url = `https://storage.example.com/builds/${n % 1000}/artifact-${n}.tar.gz`
    return { id: sha256(url), url, sha256: sha256(`body ${n}`) }
  }, count)
  await exec('COMMIT')
  await new Promise<void>((resolve, reject) => database.close((error) => (error ? reject(error) : resolve())))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** What the tests of the store share: directories, entries, bodies, and other processes on the same directory. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Store, type StoreOptions, openStore } from '#kiss/store/open.js'
import type { Entry, Sha256 } from '#kiss/store/types.js'
import { environment } from '../support/processes.js'
import type { Answer, Order } from './child.js'

export function sha256(text: string | Uint8Array): Sha256 {
  return createHash('sha256').update(text).digest('hex')
}

export function entryOf(name: string, body: string | Uint8Array, over: Partial<Entry> = {}): Entry {
  return {
    id: sha256(name),
    url: `https://origin.example/${name}`,
    sha256: sha256(body),
    size: Buffer.byteLength(body),
    headers: { etag: '"v1"' },
    storedAt: 1_000,
    validatedAt: 1_000,
    staleAt: 11_000,
    lifetime: 10_000,
    lastUsedAt: 1_000,
    hits: 0,
    private: false,
    unverified: false,
    ...over,
  }
}

/** A new directory for each test, and the stores opened in it; all gone after the test. */
export class Fixture {
  readonly warnings: string[] = []
  /** Milliseconds since the epoch, as the stores see it. */
  now = 1_000_000
  #root = ''
  #opened: Store[] = []
  #children: Child[] = []

  get dir(): string {
    return join(this.#root, 'cache')
  }

  /** A file outside the cache directory, on the same file system. */
  get scratch(): string {
    return join(this.#root, randomUUID())
  }

  async begin(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), 'kiss-store-'))
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.splice(0).map((child) => child.kill()))
    await Promise.all(this.#opened.splice(0).map((store) => store.close()))
    await rm(this.#root, { recursive: true, force: true })
    this.warnings.length = 0
  }

  async open(options: Partial<StoreOptions> = {}): Promise<Store> {
    const warn = (message: string) => void this.warnings.push(message)
    const store = await openStore({ cacheDir: this.dir, clock: { now: () => this.now }, warn, ...options })
    this.#opened.push(store)
    return store
  }

  async close(store: Store): Promise<void> {
    this.#opened = this.#opened.filter((other) => other !== store)
    await store.close()
  }

  async child(options?: ChildOptions): Promise<Child> {
    const child = new Child(this.dir, options)
    this.#children.push(child)
    await child.ask({ do: 'open' })
    return child
  }
}

/** As a transfer does it: reserve, write, publish. */
export async function put(store: Store, name: string, body: string, over: Partial<Entry> = {}): Promise<Entry> {
  const entry = entryOf(name, body, over)
  await store.space.reserve(entry.id, entry.size)
  const file = join(store.layout.transfers, randomUUID())
  await writeFile(file, body)
  await store.publish(file, entry)
  return entry
}

export async function listed(store: Store): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of store.entries.list()) entries.push(entry)
  return entries
}

/** The text of a blob; undefined where there is none. */
export async function bodyOf(store: Store, entry: Entry): Promise<string | undefined> {
  const blob = await store.blobs.open(entry.sha256, entry.size)
  if (blob === undefined) return undefined
  const buffer = Buffer.alloc(entry.size)
  try {
    for (let at = 0; at < entry.size;) at += await blob.read(buffer.subarray(at), at)
    return buffer.toString()
  } finally {
    await blob.close()
  }
}

/** Paths of the files below `blobs/`, relative to it. */
export async function blobFiles(store: Store): Promise<string[]> {
  const found = await readdir(store.layout.blobs, { recursive: true, withFileTypes: true })
  return found.filter((file) => file.isFile()).map((file) => file.name)
}

/** Name of the file beside the blob that describes the entry. */
export function describing({ sha256, id }: Pick<Entry, 'sha256' | 'id'>): string {
  return `${sha256}.${id}.json`
}

/** Puts a file where a blob of that sum belongs, whatever its bytes. */
export async function plant(store: Store, sum: Sha256, bytes: string): Promise<void> {
  await mkdir(join(store.layout.blobs, sum.slice(0, 2)), { recursive: true })
  await rm(store.blobs.path(sum), { force: true })
  await writeFile(store.blobs.path(sum), bytes)
}

export interface ChildOptions {
  /** How many files it may have open at once. */
  readonly descriptors?: number
}

/** Another process on the same cache directory; child.ts says what it can do. */
export class Child {
  readonly #process: ChildProcess
  readonly #dead: Promise<unknown>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(cacheDir: string, { descriptors = 0 }: ChildOptions = {}) {
    const script = fileURLToPath(new URL('./child.js', import.meta.url))
    const limit = descriptors === 0 ? '' : `ulimit -n ${descriptors}; `
    this.#process = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, script, cacheDir], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#dead = once(this.#process, 'exit')
  }

  ask(order: Order): Promise<unknown> {
    const answer = this.#turn.then(async () => {
      this.#process.send(order)
      const [message] = (await Promise.race([
        once(this.#process, 'message'),
        this.#dead.then(() => Promise.reject(new Error(`the process died of: ${JSON.stringify(order)}`))),
      ])) as [Answer]
      if ('error' in message) throw new Error(message.error)
      return message.result
    })
    this.#turn = answer.catch(() => undefined)
    return answer
  }

  /** Gives an order that the process does not survive. */
  async die(order: Order): Promise<NodeJS.Signals | null> {
    this.#process.send(order)
    await this.#dead
    return this.#process.signalCode
  }

  /** Lets go of the process; resolves with its exit code when it ends by itself. */
  async leave(): Promise<number | null> {
    this.#process.disconnect()
    await this.#dead
    return this.#process.exitCode
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#dead
  }
}

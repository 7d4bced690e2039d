/** The other process of multi-process tests: opens the store of a directory and does what it is told over IPC. */

import { closeSync, openSync } from 'node:fs'
import type { KissError } from '#kiss/errors.js'
import { type Store, openStore } from '#kiss/store/open.js'
import type { CounterName, KeyId, OpenBlob } from '#kiss/store/types.js'
import { put } from './support.js'

/** Where a process can be killed: while a blob is removed, and while one is published. */
export const removalSteps = ['marked', 'entries gone', 'descriptions gone', 'blob gone'] as const
export const publishSteps = ['committed', 'adopted', 'described', 'entry written'] as const
export type Step = (typeof removalSteps)[number] | (typeof publishSteps)[number]

export type Order =
  | { do: 'open' }
  | { do: 'put'; name: string; body: string }
  | { do: 'get'; id: KeyId }
  | { do: 'remove'; id: KeyId }
  | { do: 'touch'; id: KeyId; at: number; times: number }
  | { do: 'count'; counter: CounterName; times: number }
  | { do: 'flush' }
  /** Reserves and releases again and again; resolves with the most that was ever in use. */
  | { do: 'churn'; name: string; bytes: number; times: number }
  | { do: 'reserve'; id: KeyId; bytes: number }
  | { do: 'evict'; bytes: number }
  /** Opens one blob until that fails; resolves with the error, after which one is closed and one opened again. */
  | { do: 'open blobs'; id: KeyId }
  /** Closes the store, and opens it again with no descriptor left and with some. Resolves with both outcomes. */
  | { do: 'open without descriptors' }
  | { do: 'die at'; step: Step }

export type Answer = { result: unknown } | { error: string }

let store: Store | undefined

const isChild = process.send !== undefined && process.argv[2] !== undefined
if (isChild) {
  process.on('message', (order: Order) => {
    obey(order).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    )
  })
}

async function obey(order: Order): Promise<unknown> {
  store ??= await openStore({
    cacheDir: process.argv[2]!,
    clock: { now: () => Date.now() },
    warn: (message) => process.stderr.write(`${message}\n`),
    owner: String(process.pid),
  })
  switch (order.do) {
    case 'open':
      return undefined
    case 'put':
      return (await put(store, order.name, order.body)).id
    case 'get':
      return store.entries.get(order.id)
    case 'remove':
      return (await store.remove(order.id)) !== undefined
    case 'touch':
      for (let i = 0; i < order.times; i++) store.entries.touch(order.id, order.at)
      return undefined
    case 'count':
      for (let i = 0; i < order.times; i++) store.counters.add(order.counter, 1)
      return undefined
    case 'flush':
      return store.flush()
    case 'churn':
      return churn(store, order.name, order.bytes, order.times)
    case 'reserve':
      return store.space.reserve(order.id, order.bytes)
    case 'evict':
      return store.space.evict(order.bytes)
    case 'open blobs':
      return openBlobs(store, order.id)
    case 'open without descriptors':
      return openWithoutDescriptors(store)
    case 'die at':
      return dieAt(store, order.step)
  }
}

async function openBlobs({ entries, blobs }: Store, id: KeyId): Promise<unknown> {
  const entry = (await entries.get(id))!
  const held: OpenBlob[] = []
  let failure: unknown
  while (failure === undefined) {
    await blobs.open(entry.sha256, entry.size).then(
      (blob) => held.push(blob!),
      (error: unknown) => (failure = error),
    )
  }
  const patient = blobs.open(entry.sha256, entry.size)
  await held.pop()?.close()
  held.push((await patient)!)
  for (const blob of held) await blob.close()
  const { code, hint } = failure as KissError
  return { code, hint, held: held.length }
}

async function openWithoutDescriptors(first: Store): Promise<unknown> {
  const warn = (message: string) => {
    throw new Error(message)
  }
  const again = () => openStore({ cacheDir: process.argv[2]!, clock: { now: () => Date.now() }, warn })
  // What it imports only once needs descriptors, too.
  await first.close()
  const files: number[] = []
  for (let full = false; !full;) {
    try {
      files.push(openSync(process.execPath, 'r'))
    } catch {
      full = true
    }
  }
  // Enough to read VERSION, and not enough for the index and what SQLite keeps beside it.
  closeSync(files.pop()!)
  const code = await again().then(
    () => 'opened',
    (error: unknown) => (error as KissError).code,
  )
  for (const file of files) closeSync(file)
  store = await again()
  return { code, entries: await store.listing.count() }
}

async function churn(at: Store, name: string, bytes: number, times: number): Promise<number> {
  let most = 0
  for (let i = 0; i < times; i++) {
    const body = `${name} ${i} `.padEnd(bytes, '.')
    await at.space.reserve(`${name} ${i}`, bytes)
    const reserved = await at.space.counted()
    await at.space.release(`${name} ${i}`)
    await put(at, `${name}-${i}`, body)
    const stored = await at.space.counted()
    most = Math.max(most, reserved, stored)
  }
  return most
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal is delivered before this thread runs on.
  throw new Error('unreachable')
}

/** The next removal or publication ends with SIGKILL right after the step. */
function dieAt({ entries, blobs, checked }: Store, step: Step): void {
  switch (step) {
    case 'marked':
      entries.takeAllOf = die
      return
    case 'entries gone':
      blobs.undescribe = die
      return
    case 'descriptions gone':
      blobs.remove = die
      return
    case 'blob gone': {
      const remove = blobs.remove.bind(blobs)
      blobs.remove = async (sha256) => {
        await remove(sha256)
        die()
      }
      return
    }
    case 'committed':
      blobs.adopt = die
      return
    case 'adopted':
      checked.record = die
      return
    case 'described':
      entries.publish = die
      return
    case 'entry written': {
      const write = entries.publish.bind(entries)
      entries.publish = async (entry) => {
        await write(entry)
        return die()
      }
      return
    }
  }
}

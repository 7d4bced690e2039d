/** Another process on a cache directory: fetches what it is told, says how far it is, and dies where it is told. */

import { FileBlobs } from '#kiss/store/blobs.js'
import { Entries } from '#kiss/store/entries.js'
import { Generation } from '#kiss/flight/directory.js'
import { testEngine } from './engine-of-child.js'
import { getUrl } from './lab.js'
import { sha256 } from '../../support/origin.js'

/** Where a process ends with SIGKILL: right after the step. */
export type Death = 'claimed' | 'head written' | 'summed' | 'renamed' | 'indexed'

export interface Order {
  readonly id: number
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly dies?: Death
}

export interface Report {
  readonly id: number
  /** Present at the end. */
  readonly end?: {
    readonly size: number
    readonly sha256: string
    readonly code: string | null
    readonly kept: boolean
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal is delivered before this thread runs on.
  throw new Error('unreachable')
}

const deaths: Readonly<Record<Death, () => void>> = {
  claimed: () => after(Generation.prototype, 'claim'),
  'head written': () => after(Generation.prototype, 'setHead'),
  summed: () => after(Generation.prototype, 'setSum'),
  renamed: () => after(FileBlobs.prototype, 'adopt'),
  indexed: () => after(Entries.prototype, 'publish'),
}

/** Dies when the method of that name has done its work. */
function after<Name extends string>(prototype: Record<Name, (...args: never[]) => Promise<unknown>>, name: Name): void {
  const method = prototype[name]
  prototype[name] = async function (this: unknown, ...args: never[]) {
    await method.apply(this, args)
    die()
  }
}

const engine = await testEngine()

process.on('message', (order: Order) => {
  if (order.dies) deaths[order.dies]()
  void getUrl(engine, order.url, { headers: order.headers ?? {} }).then(({ body, code, entry }) =>
    process.send?.({
      id: order.id,
      end: { size: body.length, sha256: sha256(body), code: code ?? null, kept: entry !== undefined },
    } satisfies Report),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0 } satisfies Report)

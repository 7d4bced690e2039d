/**
 * Loaded before kiss into every process of the chaos run (`--import`): writes down which blobs come and go, and which
 * unfinished bodies are thrown away, so that the run can say which downloads were necessary. One line each, appended at once.
 * It also gives all processes a wall clock that the run can set.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'

/**
 * What happened to which file, of how many bytes. `stored again`: over a blob that was there. `abandoned`: its owner was
 * killed, and somebody needed the room before the download was continued. In a cluster: the sum of a stored body and the node
 * that stored it; `gone` where that node removes it again; `stored filled` and, where they are thrown away, `filled` are bytes that no lease covered: those of other nodes, as long as Redis answers.
 */
export type Happening = readonly [
  kind:
    | 'stored'
    | 'stored filled'
    | 'stored again'
    | 'changed'
    | 'purged'
    | 'abandoned'
    | 'given up'
    | 'filled'
    | 'gone',
  bytes: number,
  sha256?: string,
  node?: string,
]

const BLOB = /\/blobs\/[0-9a-f]{2}\/[0-9a-f]{64}$/
const GENERATION = /\/transfers\/[0-9a-f]{64}\/\d+$/
const log = process.env.CHAOS_WITNESS
/** The name of this node, in a cluster. */
const node = process.env.CHAOS_NODE

function note(...happening: Happening): void {
  if (log !== undefined) fs.appendFileSync(log, `${JSON.stringify(happening)}\n`)
}

function sizeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.size
}

/** Why a generation with a body in it is removed. */
function noteRemoval(directory: string): void {
  const size = sizeOf(path.join(directory, 'body')) ?? 0
  if (size === 0) return
  let kind: unknown
  try {
    kind = (JSON.parse(fs.readFileSync(path.join(directory, 'ended'), 'utf8')) as { kind: unknown }).kind
  } catch {
    // It did not end: its owner was killed.
  }
  // A node that asks the origin lends what comes.
  if (node !== undefined && !fs.existsSync(path.join(directory, 'lent'))) return note('filled', size)
  const dropped = fs.existsSync(path.join(directory, 'dropped'))
  if (dropped || kind === 'whole') note('purged', size)
  else note(kind === 'changed' ? 'changed' : kind === undefined ? 'abandoned' : 'given up', size)
}

/** All processes see the same wall clock, which the run sets: milliseconds beside the true time, in a file. */
const clock = process.env.CHAOS_CLOCK
if (clock !== undefined) {
  const trueTime = Date.now
  let offset = 0
  const look = (): void => {
    try {
      offset = Number(fs.readFileSync(clock, 'utf8'))
    } catch {
      // The run is over, and the file gone.
    }
  }
  look()
  setInterval(look, 100).unref()
  Date.now = () => trueTime() + offset
}

/** Looks at a file that is going to be renamed. Call the result afterwards. */
function noteRename(from: fs.PathLike, to: fs.PathLike): () => void {
  const size = BLOB.test(String(to)) ? sizeOf(String(from)) : undefined
  if (size === undefined) return () => undefined
  const isLent = fs.existsSync(path.join(path.dirname(String(from)), 'lent'))
  const kind = fs.existsSync(String(to)) ? 'stored again' : node === undefined || isLent ? 'stored' : 'stored filled'
  return () => note(kind, size, path.basename(String(to)), node ?? '')
}

// kiss calls both forms (store/small-files.ts).
const { renameSync, rmSync } = fs
const { rename, rm, unlink } = fs.promises
fs.renameSync = (from, to) => {
  const done = noteRename(from, to)
  renameSync(from, to)
  done()
}
fs.promises.rename = async (from, to) => {
  const done = noteRename(from, to)
  await rename(from, to)
  done()
}
fs.rmSync = (target, options) => {
  if (GENERATION.test(String(target))) noteRemoval(String(target))
  rmSync(target, options)
}
fs.promises.rm = async (target, options) => {
  if (GENERATION.test(String(target))) noteRemoval(String(target))
  return rm(target, options)
}
fs.promises.unlink = async (target) => {
  if (node !== undefined && BLOB.test(String(target))) note('gone', 0, path.basename(String(target)), node)
  return unlink(target)
}
syncBuiltinESMExports()

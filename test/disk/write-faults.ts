/**
 * Loaded before kiss (`--import`): calls of DISK_FAULT_IN fail with DISK_FAULT from the DISK_FAULT_AT-th on, DISK_FAULT_TIMES
 * times. `writev`, the default, writes the bodies of downloads; `datasync` brings them to the disk; `copyFile` and `close` make
 * and end the outputs of `kiss fetch`; `closeBody` closes the body of a download.
 */
import fs from 'node:fs'
import { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const { DISK_FAULT: code = 'EIO', DISK_FAULT_AT = '1', DISK_FAULT_TIMES = '1', DISK_FAULT_IN = 'writev' } = process.env
let calls = 0

/** The error of this call, if it shall fail. */
function fault(of: string): Error | undefined {
  if (of !== DISK_FAULT_IN) return undefined
  calls++
  const at = Number(DISK_FAULT_AT)
  if (calls < at || calls >= at + Number(DISK_FAULT_TIMES)) return undefined
  return Object.assign(new Error(`${code}: as the test wants it, ${of}`), { code, syscall: of })
}

type Writev = (...args: [fd: number, buffers: readonly Buffer[], position: number | null, done: Done]) => void
type Done = (error: Error | null, written?: number) => void
const methods = fs as unknown as { writev: Writev; writevSync: typeof fs.writevSync }
const { writev, writevSync } = methods
const bodies = new Set<number>()
methods.writev = (...args) => {
  bodies.add(args[0])
  const error = fault('writev')
  if (error === undefined) return writev(...args)
  setImmediate(() => args[3](error))
}
methods.writevSync = (...args) => {
  bodies.add(args[0])
  const error = fault('writev')
  if (error !== undefined) throw error
  return writevSync(...args)
}

const { close } = fs
fs.close = Object.assign(
  (fd: number, done: fs.NoParamCallback = () => undefined) =>
    close(fd, (error) => done(error ?? (bodies.delete(fd) ? (fault('closeBody') ?? null) : null))),
  { __promisify__: close.__promisify__ },
)

const { copyFile, open } = fs.promises
fs.promises.copyFile = async (...args) => {
  const error = fault('copyFile')
  if (error === undefined) return copyFile(...args)
  fs.unlinkSync(args[1])
  throw error
}
fs.promises.open = async (...args) => {
  const handle = await open(...args)
  const isOutput = /\.kiss-[0-9a-f]+$/.test(String(args[0]))
  failing(handle, 'datasync')
  if (isOutput) failing(handle, 'close')
  return handle
}
function failing(handle: FileHandle, name: 'datasync' | 'close'): void {
  const call = handle[name].bind(handle)
  handle[name] = async () => {
    await call()
    const error = fault(name)
    if (error !== undefined) throw error
  }
}
syncBuiltinESMExports()

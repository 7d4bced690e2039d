/** Loaded before kiss (`--import`): writes of bodies fail with DISK_FAULT from the DISK_FAULT_AT-th on, DISK_FAULT_TIMES times. */
import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

const { DISK_FAULT: code = 'EIO', DISK_FAULT_AT = '1', DISK_FAULT_TIMES = '1' } = process.env
let writes = 0

type Writev = (this: FileHandle, ...args: unknown[]) => Promise<unknown>
const probe = await fs.promises.open(process.execPath, 'r')
const prototype = Object.getPrototypeOf(probe) as { writev: Writev }
await probe.close()
const { writev } = prototype
prototype.writev = async function (...args) {
  writes++
  const at = Number(DISK_FAULT_AT)
  if (writes >= at && writes < at + Number(DISK_FAULT_TIMES)) {
    throw Object.assign(new Error(`${code}: as the test wants it, write`), { code, syscall: 'write' })
  }
  return writev.apply(this, args)
}

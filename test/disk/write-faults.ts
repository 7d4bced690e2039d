/** Loaded before kiss (`--import`): writes of bodies fail with DISK_FAULT from the DISK_FAULT_AT-th on, DISK_FAULT_TIMES times. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { DISK_FAULT: code = 'EIO', DISK_FAULT_AT = '1', DISK_FAULT_TIMES = '1' } = process.env
let writes = 0

type Writev = (...args: [fd: number, buffers: readonly Buffer[], position: number | null, done: Done]) => void
type Done = (error: Error | null, written?: number) => void
const methods = fs as unknown as { writev: Writev }
const { writev } = methods
methods.writev = (...args) => {
  writes++
  const at = Number(DISK_FAULT_AT)
  if (writes < at || writes >= at + Number(DISK_FAULT_TIMES)) return writev(...args)
  const error = Object.assign(new Error(`${code}: as the test wants it, write`), { code, syscall: 'write' })
  setImmediate(() => args[3](error))
}
syncBuiltinESMExports()

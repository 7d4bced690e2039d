/**
 * Loaded before kiss (`--import`): the calls DISK_FAULT_CALL (`writev`, which writes bodies, or `datasync`) fail with DISK_FAULT
 * from the DISK_FAULT_AT-th on, DISK_FAULT_TIMES times.
 */
import fs from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

const { DISK_FAULT: code = 'EIO', DISK_FAULT_AT = '1', DISK_FAULT_TIMES = '1' } = process.env
const call = process.env['DISK_FAULT_CALL'] === 'datasync' ? 'datasync' : 'writev'
let calls = 0

type Call = (this: FileHandle, ...args: unknown[]) => Promise<unknown>
const probe = await fs.promises.open(process.execPath, 'r')
const prototype = Object.getPrototypeOf(probe) as Record<typeof call, Call>
await probe.close()
const original = prototype[call]
prototype[call] = async function (...args) {
  calls++
  const at = Number(DISK_FAULT_AT)
  if (calls >= at && calls < at + Number(DISK_FAULT_TIMES)) {
    throw Object.assign(new Error(`${code}: as the test wants it, write`), { code, syscall: call })
  }
  return original.apply(this, args)
}

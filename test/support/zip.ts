/** Writes zip archives, well-formed and hostile ones. */

import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipMember {
  readonly name: string
  readonly body: Buffer
  /** 0: stored; 8: deflated (default); others are written as stored. */
  readonly method?: number
  /** What the directory says instead of the truth. */
  readonly says?: {
    readonly size?: number
    readonly compressed?: number
    readonly crc?: number
    readonly offset?: number
  }
  /** General purpose bits; 1 is encryption. */
  readonly flags?: number
  /** Of Unix, such as 0o120777 for a symbolic link. */
  readonly mode?: number
}

export function zip(members: readonly ZipMember[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, body, method = 8, says = {}, flags = 0, mode = 0o100644 } of members) {
    const data = method === 8 ? deflateRawSync(body) : body
    const crc = says.crc ?? crc32(body)
    const size = says.size ?? body.length
    const compressed = says.compressed ?? data.length
    const bytes = Buffer.from(name)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(flags | 0x800, 2)
    fields.writeUInt16LE(method, 4)
    fields.writeUInt32LE(crc, 10)
    fields.writeUInt32LE(compressed, 14)
    fields.writeUInt32LE(size, 18)
    fields.writeUInt16LE(bytes.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, bytes, data])
    const attributes = Buffer.alloc(14)
    attributes.writeUInt32LE((mode << 16) >>> 0, 6)
    attributes.writeUInt32LE(says.offset ?? offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), fields, attributes, bytes)
    files.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...files, central, end])
}

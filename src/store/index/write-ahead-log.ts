/** What SQLite keeps beside the index: its log (-wal) and the map of that (-shm), which all processes share. */

import { open, stat } from 'node:fs/promises'

/** Bytes, by SQLite's "WAL-mode File Format": the header of the log, that of each frame, the first copy of the map's header. */
const LOG_HEADER = 32
const FRAME_HEADER = 24
const MAP_HEADER = 48

/**
 * Whether the map promises more of the log than there is. Who opens an index that was emptied drops its log, while others go
 * on with the one that they have open and with the map: then reading fails as if the disk did, for as long as the files stay.
 * A sound log is never shorter, since frames are written before the map tells of them.
 */
export async function logIsCut(index: string): Promise<boolean> {
  const promised = await promisedBytes(`${index}-shm`)
  if (promised === 0) return false
  // A log that is not there has nothing.
  const size = await stat(`${index}-wal`).then(
    (stats) => stats.size,
    () => 0,
  )
  return size < promised
}

/** Bytes of log that the map tells of; 0 where there is no map, or none that can be read. */
async function promisedBytes(map: string): Promise<number> {
  const header = Buffer.alloc(MAP_HEADER)
  try {
    const file = await open(map, 'r')
    try {
      if ((await file.read(header, 0, MAP_HEADER, 0)).bytesRead < MAP_HEADER) return 0
    } finally {
      await file.close()
    }
  } catch {
    return 0
  }
  // In the byte order of the machine, unlike everything else of SQLite.
  const { pageSize, frames } = mapHeader(new DataView(header.buffer, header.byteOffset, MAP_HEADER))
  return frames === 0 ? 0 : LOG_HEADER + frames * (FRAME_HEADER + pageSize)
}

function mapHeader(view: DataView): { pageSize: number; frames: number } {
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  const coded = view.getUint16(14, littleEndian)
  return { pageSize: coded === 1 ? 65_536 : coded, frames: view.getUint32(16, littleEndian) }
}

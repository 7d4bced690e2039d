/** The errors of a reservation that cannot be made. */

import { KissError } from '../errors.js'

export function tooLarge(bytes: number, quota: number): KissError {
  return new KissError('quota', `it takes ${bytes} bytes, and the quota of the cache is ${quota} bytes in all`)
}

export function besidePinned(
  bytes: number,
  { quota, pinned }: { readonly quota: number; readonly pinned: number },
): KissError {
  return new KissError(
    'quota',
    `it takes ${bytes} bytes, and pinned entries take ${pinned} of the ${quota} bytes of the quota`,
    { hint: 'raise the quota, or let some go with kiss unpin' },
  )
}

export function tooLargeForDisk(bytes: number, directory: string, room: number): KissError {
  return new KissError('disk', `it takes ${bytes} bytes, and the disk of ${directory} has room for ${room} bytes`, {
    hint: 'free some space, or choose a --cache-dir on a larger disk',
  })
}

export function noRoom(bytes: number, quota: number): KissError {
  return new KissError(
    'quota',
    `there is no room for ${bytes} bytes: downloads under way have reserved what the quota of ${quota} bytes leaves`,
    { hint: 'try again when they have ended, or raise --quota' },
  )
}

/** What the servers of a chaos run wrote of the bytes that the origin had to send. */
import { readFileSync } from 'node:fs'
import type { Happening } from './witness.js'

/** Bytes by kind, and the sum of the kinds that no cache avoids. */
export function witnessedIn(file: string): { necessary: number; witnessed: Record<string, number> } {
  const witnessed: Record<string, number> = {}
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue
    const [kind, size] = JSON.parse(line) as Happening
    witnessed[kind] = (witnessed[kind] ?? 0) + size
  }
  const { stored = 0, changed = 0, purged = 0, abandoned = 0 } = witnessed
  return { necessary: stored + changed + purged + abandoned, witnessed }
}

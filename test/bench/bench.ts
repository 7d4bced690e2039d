/** Runs the works on all servers, in turn, and gathers the figures. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { BenchArguments } from './arguments.js'
import { Artifacts } from './artifacts.js'
import { Client } from './client.js'
import { fileSystemOf, machine } from './machine.js'
import { subjects } from './subjects/all.js'
import type { Subject } from './subjects/subject.js'
import { linesOf, type Column, type Line } from './table.js'
import { works, type Work } from './works.js'

export interface Report {
  readonly machine: string
  readonly rounds: number
  /** Why servers were left out, or what failed. */
  readonly notes: readonly string[]
  readonly columns: readonly Column[]
  readonly lines: readonly Line[]
}

/** @param tell one line of progress at a time */
export async function runBench(options: BenchArguments, tell: (line: string) => void): Promise<Report> {
  const root = mkdtempSync(path.join(process.env['KISS_BENCH_DIR'] ?? tmpdir(), 'kiss-bench-'))
  // Servers that root starts work as somebody else.
  chmodSync(root, 0o755)
  const client = Client.build(root)
  const description = `${machine()}; files on ${fileSystemOf(root)}; client: ${client.kind}`
  const notes: string[] = []
  const chosen = subjects.filter(({ name }) => options.servers.length === 0 || options.servers.includes(name))
  const present = chosen.filter((subject) => {
    const missing = subject.missing?.()
    if (missing !== undefined) notes.push(`${subject.name} was left out: ${missing}`)
    return missing === undefined
  })
  const results = new Map<string, Map<string, number[]>>()
  const origin = await Artifacts.start()
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const subject of present) {
        const own = works.filter((work) => isAsked(work, options.only) && canDo(subject, work))
        if (own.length === 0) continue
        tell(`round ${round} of ${options.rounds}: ${subject.name}`)
        const directory = path.join(root, `${round}-${present.indexOf(subject)}`)
        mkdirSync(directory)
        try {
          const server = await subject.start(directory, origin.url(''))
          try {
            for (const work of own) {
              const figures = await work.measure({ ...options, server, origin, client })
              for (const [id, value] of Object.entries(figures))
                if (Number.isFinite(value)) keep(results, id, subject.name, value)
            }
          } finally {
            await server.stop()
          }
        } catch (error) {
          notes.push(`${subject.name}, round ${round}: ${error instanceof Error ? error.message : String(error)}`)
        }
        rmSync(directory, { recursive: true, force: true })
      }
    }
  } finally {
    origin.stop()
    rmSync(root, { recursive: true, force: true })
  }
  const rows = works.flatMap((work) => work.rows)
  const lines = linesOf(rows, present, results)
  const columns = present.map(({ name, peer }) => ({ name, peer }))
  return { machine: description, rounds: options.rounds, notes, columns, lines }
}

function isAsked({ id }: Work, only: readonly string[]): boolean {
  return only.length === 0 || only.some((beginning) => id.startsWith(beginning))
}

/** The references do only what they are named for. */
function canDo({ name }: Subject, { also = [] }: Work): boolean {
  return name === 'direct' || name === 'bare node:http' ? also.includes(name) : true
}

function keep(results: Map<string, Map<string, number[]>>, id: string, column: string, value: number): void {
  const row = results.get(id) ?? new Map<string, number[]>()
  results.set(id, row.set(column, [...(row.get(column) ?? []), value]))
}

/** Jobs, the result of rewriting each, and the warnings. They are the files of test/data/lava and one job a method. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { deploySamples } from './deploy-samples.js'

export const server = 'http://kiss:8001'

/** Holds NAME.yaml, NAME.rewritten.yaml and, where rewriting warns, NAME.said. */
export const directory = fileURLToPath(new URL('../../../data/lava/', import.meta.url))

export interface Sample {
  readonly name: string
  readonly text: string
  readonly rewritten: string
  readonly said: readonly string[]
}

const files: readonly Sample[] = readdirSync(directory)
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('.rewritten.yaml'))
  .map((file) => {
    const name = file.replace('.yaml', '')
    const read = (suffix: string): string => readFileSync(`${directory}${name}${suffix}`, 'utf8')
    const said = existsSync(`${directory}${name}.said`) ? read('.said').trimEnd().split('\n') : []
    return { name, text: read('.yaml'), rewritten: read('.rewritten.yaml'), said }
  })

export const samples: readonly Sample[] = [...files, ...deploySamples(server)].sort((a, b) =>
  a.name < b.name ? -1 : 1,
)

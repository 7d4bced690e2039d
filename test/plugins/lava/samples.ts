/** The job files of test/data/lava: NAME.yaml, what rewrite makes of it, and what it says on standard error. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const server = 'http://kiss:8001'

const directory = fileURLToPath(new URL('../../../data/lava/', import.meta.url))

export interface Sample {
  readonly name: string
  readonly file: string
  readonly text: string
  readonly rewritten: string
  readonly said: readonly string[]
}

export const samples: readonly Sample[] = readdirSync(directory)
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('.rewritten.yaml'))
  .sort()
  .map((file) => {
    const name = file.replace('.yaml', '')
    const read = (suffix: string): string => readFileSync(`${directory}${name}${suffix}`, 'utf8')
    const said = existsSync(`${directory}${name}.said`) ? read('.said').trimEnd().split('\n') : []
    return { name, file: `${directory}${file}`, text: read('.yaml'), rewritten: read('.rewritten.yaml'), said }
  })

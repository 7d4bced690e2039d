/**
 * How long `kiss lava rewrite` takes for a job of 5,000 lines, beyond the start of the program: the same command with a job
 * of five lines. Prints milliseconds; exits 1 above the limit.
 *
 *     node test/dist/bench/lava-rewrite.js [runs]
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Sandbox } from '../support/cli.js'

/** Milliseconds. */
const limit = 300
const runs = Number(process.argv[2] ?? 15)

const artifact = (key: string, index: number): string => `    ${key}:
      url: https://storage.example.com/builds/${index}/${key}.img.gz # build ${index}
      compression: gz
`

/** Actions of 20 lines with five downloads each. */
function job(lines: number): string {
  let text = 'job_name: benchmark\nactions:\n'
  for (let index = 0; (index + 1) * 20 + 2 <= lines; index++) {
    const keys = ['kernel', 'ramdisk', 'dtb', 'modules', 'nfsrootfs']
    text += `- deploy:\n    to: tftp\n    timeout: {minutes: 5}\n${keys.map((key) => artifact(key, index)).join('')}    os: debian\n\n`
  }
  return text
}

const small = 'actions:\n- deploy:\n    to: usb\n    image:\n      url: https://storage.example.com/a.img\n'
const large = job(5002)

const sandbox = new Sandbox()
try {
  const samples: { small: number[]; large: number[] } = { small: [], large: [] }
  for (const [name, text] of [
    ['small', small],
    ['large', large],
  ] as const)
    writeFileSync(path.join(sandbox.cwd, `${name}.yaml`), text)
  for (let run = 0; run < runs; run++)
    for (const name of ['small', 'large'] as const) {
      const started = performance.now()
      const { code } = await sandbox.run([
        'lava',
        'rewrite',
        '--server',
        'http://kiss:8001',
        `${name}.yaml`,
        '-o',
        'out.yaml',
      ])
      if (code !== 0) throw new Error(`exit code ${code}`)
      samples[name].push(performance.now() - started)
    }
  const [start, all] = [median(samples.small), median(samples.large)]
  const downloads = large.match(/url:/g)?.length ?? 0
  console.log(`${large.split('\n').length - 1} lines, ${downloads} downloads, median of ${runs} runs`)
  console.log(
    `start ${Math.round(start)} ms, with the job ${Math.round(all)} ms: ${Math.round(all - start)} ms more (limit ${limit})`,
  )
  process.exitCode = all - start < limit ? 0 : 1
} finally {
  sandbox.remove()
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

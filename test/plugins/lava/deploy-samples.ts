/**
 * One job for each deploy method of LAVA, from one template. In a body, `{+NAME}` is a URL that LAVA downloads, which
 * rewrite replaces by the cache's, and `{-NAME}` is one that it does not, which stays.
 */

import { methods } from './deploy-methods.js'

interface DeploySample {
  readonly name: string
  readonly text: string
  readonly rewritten: string
  readonly said: readonly string[]
}

/** `server` is the cache that the rewritten URLs name. */
export function deploySamples(server: string): readonly DeploySample[] {
  return methods.map(({ to, job = to, device = 'board', boot = 'u-boot', body, said = [] }) => {
    const template = `job_name: ${job}
device_type: ${device}
timeouts: {job: {minutes: 30}}
visibility: public
actions:
- deploy:
    to: ${to}${body}
- boot:
    method: ${boot}
`
    const text = template.replaceAll(/\{[+-]([\w.-]+)\}/g, (_, file: string) => origin(file))
    // In a flow mapping, the colon and the question mark of the cache's URL need quotes.
    const rewritten = template
      .replaceAll(/\{\+([\w.-]+)\}(?=\})/g, (_, file: string) => `'${cached(server, file)}'`)
      .replaceAll(/\{\+([\w.-]+)\}/g, (_, file: string) => cached(server, file))
      .replaceAll(/\{-([\w.-]+)\}/g, (_, file: string) => origin(file))
    const name = `to-${job}`
    return { name, text, rewritten, said: said.map((line) => `${name}.yaml:${line}`) }
  })
}

function origin(file: string): string {
  return `https://storage.example.com/builds/42/${file}`
}

function cached(server: string, file: string): string {
  return `${server}/api/v1/fetch/${file}?url=https%3A%2F%2Fstorage.example.com%2Fbuilds%2F42%2F${file}`
}

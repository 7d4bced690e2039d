/** Varnish with its storage in a file. */
import path from 'node:path'
import { freePort } from '../../support/nginx.js'
import { notInstalled, program, type Subject } from './subject.js'

/** Room for all artifacts of one round. */
const STORAGE = '6G'

export const varnish: Subject = {
  name: 'Varnish',
  peer: true,
  missing: () => notInstalled('varnishd', '-V'),
  async start(directory, origin) {
    const port = await freePort()
    const args = ['-F', '-j', 'none', '-n', path.join(directory, 'varnish'), '-a', `127.0.0.1:${port}`]
    args.push('-b', new URL(origin).host, '-T', 'none', '-p', 'default_ttl=864000')
    args.push('-s', `file,${directory}/storage,${STORAGE}`)
    const running = await program('varnishd', args, { directory, port })
    return { ...running, url: (path) => `http://127.0.0.1:${port}${path}` }
  },
}

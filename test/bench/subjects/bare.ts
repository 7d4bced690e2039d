/** References: the origin without a cache, and the least that a server in Node can do. */
import { fileURLToPath } from 'node:url'
import { createServer } from 'node:http'
import { program, type Subject } from './subject.js'

export const direct: Subject = {
  name: 'direct',
  peer: false,
  start: async (_, origin) => ({ url: (path) => `${origin}${path}`, pids: [], stop: async () => undefined }),
}

/** Sends the headers of a hit and a body from memory, whatever the URL. */
export const bareNode: Subject = {
  name: 'bare node:http',
  peer: false,
  async start(directory) {
    const running = await program(process.execPath, [fileURLToPath(import.meta.url), 'serve'], { directory })
    const base = /http:\/\/\S+/.exec(running.said())?.[0] ?? ''
    return { ...running, url: (path) => `${base}${path}` }
  },
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const bodies = new Map<number, Buffer>()
  const server = createServer((request, response) => {
    const length = Number(request.url?.split('/')[1] ?? 0)
    const body = bodies.get(length) ?? Buffer.alloc(length)
    bodies.set(length, body)
    response.writeHead(200, {
      'accept-ranges': 'bytes',
      age: '12',
      'cache-status': 'kiss; hit',
      'content-length': length,
      'content-type': 'application/octet-stream',
      etag: '"bench"',
      'repr-digest': `sha-256=:${'A'.repeat(43)}=:`,
      server: 'kiss/0.1.0',
      'x-request-id': 'f6f8cf9d-6a8c-4d5f-9df4-6a47a1f2d9c3',
    })
    response.end(body)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
  })
}

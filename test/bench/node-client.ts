/** `client.c` in Node, for machines without a compiler: the same arguments, the same result. Its buffers are pooled. */
import { connect, type Socket } from 'node:net'

const [host = '', port = ''] = (process.argv[2] ?? '').split(':')
const [connections = 1, seconds = 0, limit = 0, mark = 0] = process.argv.slice(3, 7).map(Number)
const [path = '/', ...headers] = process.argv.slice(7)
const request = [`GET ${path} HTTP/1.1`, `Host: ${host}:${port}`, ...headers, '', ''].join('\r\n')

const started = performance.now()
const firsts: number[] = []
const dones: number[] = []
let [begun, errors, bytes, early, open] = [0, 0, 0, -1, 0]

const mayBegin = (): boolean =>
  (limit === 0 || begun < limit) && (seconds === 0 || performance.now() - started < seconds * 1000)

function count(n: number): void {
  bytes += n
  if (early < 0 && mark > 0 && performance.now() - started >= mark) early = bytes - n
}

function dial(): void {
  open++
  let [head, left, began, first, closing] = ['', -1, 0, 0, false]
  const ask = (): void => {
    begun++
    ;[head, left, began, first] = ['', -1, performance.now(), 0]
    socket.write(request)
  }
  const complete = (): void => {
    firsts.push(first - began)
    dones.push(performance.now() - began)
    if (closing || !mayBegin()) socket.destroy()
    else ask()
  }
  const take = (n: number, buffer: Uint8Array): boolean => {
    if (left < 0) {
      head += Buffer.from(buffer.buffer, buffer.byteOffset, n).toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return true
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)
      if (length === null || !/^HTTP\/1\.1 20[06] /.test(head)) {
        errors++
        socket.destroy()
        return false
      }
      closing = /\r\nconnection: *close/i.test(head.slice(0, end))
      left = Number(length[1])
      n = head.length - end - 4
    }
    if (first === 0) first = performance.now()
    count(n)
    left -= n
    if (left === 0) complete()
    return true
  }
  const socket: Socket = connect({
    port: Number(port),
    host,
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(256 * 1024), callback: take },
  })
  socket.on('connect', ask)
  socket.on('error', () => errors++)
  socket.on('close', () => {
    open--
    if (errors < 1000 && mayBegin()) dial()
    else if (open === 0) finish()
  })
}

function finish(): void {
  const at = (list: number[], share: number): number => list[Math.floor((list.length - 1) * share)] ?? -1
  for (const list of [firsts, dones]) list.sort((a, b) => a - b)
  const { user, system } = process.cpuUsage()
  const result = {
    requests: dones.length,
    ...{ bytes, errors, seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 },
    early: early < 0 ? bytes : early,
    first: { median: at(firsts, 0.5), max: at(firsts, 1) },
    done: { median: at(dones, 0.5), p99: at(dones, 0.99), max: at(dones, 1) },
  }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit())
}

for (let n = 0; n < connections && (limit === 0 || n < limit); n++) dial()
if (seconds > 0) setTimeout(finish, seconds * 1000)

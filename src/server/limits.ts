/** The bounds within which clients can use the server, each with its unit and its reason. */

export interface Limits {
  /** Connections at once of one process, in all and not per client: a lab's boards may share one address. */
  readonly connections: number
  /** Requests of one connection that wait for their answers. Few clients send one before the last was answered. */
  readonly pipelined: number
  /** Bytes of request line and headers: the longest URL, and room for tokens. */
  readonly headerSize: number
  /** Milliseconds until the headers of a request are complete; against clients that send a byte a second. */
  readonly headersTimeout: number
  /** Milliseconds until a request is complete, including its body, which is not read. */
  readonly requestTimeout: number
  /** Milliseconds that a connection without a request is kept. Longer than most clients keep theirs: they close first. */
  readonly idleTimeout: number
  /** Milliseconds without a byte in either direction, until a client that reads nothing is cut off. */
  readonly stalledTimeout: number
  /** Milliseconds that a client waits for its first byte and for each next one: less than the 60 s of LAVA. */
  readonly patience: number
  /** Milliseconds that a client waits for a place among the downloads: less than `stalledTimeout`, which ends a silent one. */
  readonly queuePatience: number
  /** Large buffers in use at most: 64 MiB. */
  readonly buffers: number
}

export const limits: Limits = {
  connections: 10_000,
  pipelined: 100,
  headerSize: 32 * 1024,
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  idleTimeout: 65_000,
  stalledTimeout: 600_000,
  patience: 55_000,
  queuePatience: 540_000,
  buffers: 256,
}

/** Descriptors beside those of clients: the index, watches, logs, and the start of the process. */
const OWN_DESCRIPTORS = 48
/** The socket, and a body or a part of its transfer. */
const PER_CONNECTION = 2

/** Descriptors that so many connections need. */
export function descriptorsFor(connections: number): number {
  return connections * PER_CONNECTION + OWN_DESCRIPTORS
}

/**
 * Connections that `descriptors` (the process's limit of open files) allow: each may need a body, and a transfer its origin
 * and its file. Clients beyond that are refused at once, instead of holding what those before them need.
 */
export function connectionsWithin(descriptors: number): number {
  return Math.min(limits.connections, Math.max(8, Math.floor((descriptors - OWN_DESCRIPTORS) / PER_CONNECTION)))
}

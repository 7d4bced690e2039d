/** The engine and the server as a library. */
export { KissError, type ErrorCode } from './errors.js'
export { openEngine } from './engine/open.js'
export type * from './engine/types.js'
export type * from './provider/types.js'
export { startServer, type RunningServer, type ServerOptions } from './server/server.js'

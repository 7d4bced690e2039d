/** The engine as a library. */
export { KissError, type ErrorCode } from './errors.js'
export type * from './engine/types.js'
export type * from './provider/types.js'

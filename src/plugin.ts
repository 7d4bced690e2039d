/** What plugins with commands import at run time; providers need only the types. */
export { KissError, asKissError, type ErrorCode } from './errors.js'
export type * from './provider/types.js'

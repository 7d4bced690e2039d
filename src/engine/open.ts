/** Stub until the engine lands. */
import { KissError } from '../errors.js'
import type { Engine, EngineOptions } from './types.js'
export async function openEngine(_options: EngineOptions): Promise<Engine> {
  throw new KissError('internal', 'no engine yet')
}

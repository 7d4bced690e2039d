/** Numbers the turns of the event loop: one look at a file serves all requests of a turn, since they had arrived before it. */

let turn = 0
let counting = false

/** Numbers the turn that is running. */
export function thisTurn(): number {
  if (!counting) {
    counting = true
    setImmediate(next)
  }
  return turn
}

function next(): void {
  counting = false
  turn++
}

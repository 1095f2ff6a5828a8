/** Returns what a script answers to this command: the time, the number of the command, and the rest. */
export function numbered (command: string[], answer: unknown): unknown {
  const [verb, , keys] = command
  if (!verb?.startsWith('EVAL') || !Array.isArray(answer)) return answer
  const [now, ...rest] = answer as unknown[]
  return [now, Number(command[3 + Number(keys)]?.split(' ')[0]), ...rest]
}

/**
 * Runs actors in every order of their steps. An actor is a program that waits at `step` before each
 * call of something shared; a crash is an actor that is given no more steps.
 */
export type Step = (label: string) => Promise<void>
export type Actor = (step: Step) => Promise<void>

export interface World {
  actors: Actor[]
  /** What is shared, and what each actor remembers, as text: two runs that agree in it go on alike. */
  state: () => string
  /** What has happened, for people. */
  history: () => string
  /** Called when all actors have ended or crashed. Throws for what must not be. */
  check: () => Promise<void>
}

export interface Explored { states: number, runs: number }

interface Waiting { label: string, go: () => void }

/** Lets every promise that can go on do so. */
async function settle (): Promise<void> {
  await new Promise(resolve => { setImmediate(resolve) })
}

/** A choice: the actor that takes its next step, or crashes (negative). */
type Choice = number

class Run {
  readonly waiting: Array<Waiting | null>
  readonly isDone: boolean[]
  readonly crashed: boolean[]
  failure: unknown

  constructor (readonly world: World) {
    this.waiting = world.actors.map(() => null)
    this.isDone = world.actors.map(() => false)
    this.crashed = world.actors.map(() => false)
    for (const [index, actor] of world.actors.entries()) {
      actor(async label => {
        await new Promise<void>(resolve => { this.waiting[index] = { label, go: resolve } })
      }).then(() => { this.isDone[index] = true }, error => { this.isDone[index] = true; this.failure ??= error })
    }
  }

  async take (choice: Choice): Promise<void> {
    if (choice < 0) {
      this.crashed[-choice - 1] = true
      return
    }
    const waiting = this.waiting[choice] as Waiting
    this.waiting[choice] = null
    waiting.go()
    await settle()
  }

  choices (mayCrash: readonly number[], crashes: number): Choice[] {
    const ready = this.world.actors.map((_, index) => index).filter(index => !this.isDone[index] && !this.crashed[index] && this.waiting[index] !== null)
    const left = crashes - this.crashed.filter(Boolean).length
    return [...ready, ...(left > 0 ? ready.filter(index => mayCrash.includes(index)).map(index => -index - 1) : [])]
  }

  key (): string {
    const actors = this.world.actors.map((_, index) => `${this.isDone[index]}${this.crashed[index]}${this.waiting[index]?.label ?? ''}`)
    return [this.world.state(), ...actors].join('|')
  }
}

/**
 * Explores every order. Of `crashes` actors at most, each may crash before any of its steps.
 *
 * @throws what `check` or an actor throws, with the order that led there
 */
export async function explore (
  make: () => World, { crashes = 0, mayCrash = [] as number[] } = {}
): Promise<Explored> {
  const seen = new Set<string>()
  const explored = { states: 0, runs: 0 }
  const todo: Choice[][] = [[]]
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const run = new Run(make())
    await settle()
    explored.runs++
    for (const choice of path) await run.take(choice)
    for (;;) {
      const key = run.key()
      if (seen.has(key)) break
      seen.add(key)
      explored.states++
      const choices = run.choices(mayCrash, crashes)
      try {
        if (run.failure !== undefined) throw run.failure
        if (choices.length === 0) await run.world.check()
      } catch (error) {
        throw new Error(`${(error as Error).message}\nin the order ${path.join(' ')}: ${run.world.history()}`, { cause: error })
      }
      if (choices.length === 0) break
      for (const choice of choices.slice(1)) todo.push([...path, choice])
      path = [...path, choices[0] as Choice]
      await run.take(choices[0] as Choice)
    }
  }
  return explored
}

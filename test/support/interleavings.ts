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

/** More than there are actors: a choice is that of an actor, and of one of the calls that it has made at once. */
const CALLS = 16

/** Lets every promise that can go on do so. */
async function settle (): Promise<void> {
  await new Promise(resolve => { setImmediate(resolve) })
}

/** A choice: the actor that takes its next step, and which of its calls at once that is (times CALLS); or that crashes (negative). */
type Choice = number

class Run {
  /** The calls that an actor has made at once: they are done in any order. */
  readonly waiting: Waiting[][]
  readonly isDone: boolean[]
  readonly crashed: boolean[]
  failure: unknown
  /** The actor that took the last step. */
  last = -1
  interruptions = 0

  constructor (readonly world: World) {
    this.waiting = world.actors.map(() => [])
    this.isDone = world.actors.map(() => false)
    this.crashed = world.actors.map(() => false)
    for (const [index, actor] of world.actors.entries()) {
      actor(async label => {
        await new Promise<void>(resolve => { this.waiting[index]?.push({ label, go: resolve }) })
      }).then(() => { this.isDone[index] = true }, error => { this.isDone[index] = true; this.failure ??= error })
    }
  }

  async take (choice: Choice): Promise<void> {
    if (choice < 0) {
      this.crashed[-choice - 1] = true
      return
    }
    const actor = choice % CALLS
    if (this.last !== actor && this.last >= 0 && !this.isDone[this.last] && !this.crashed[this.last]) this.interruptions++
    this.last = actor
    const [call] = (this.waiting[actor] as Waiting[]).splice(Math.floor(choice / CALLS), 1)
    call?.go()
    await settle()
  }

  /** `preemptions`: how often an actor may still be interrupted where it could have gone on. */
  choices (mayCrash: readonly number[], crashes: number, preemptions = Infinity): Choice[] {
    const able = this.world.actors.map((_, index) => index).filter(index => !this.isDone[index] && !this.crashed[index] && this.callsOf(index) > 0)
    const ready = preemptions - this.interruptions > 0 || !able.includes(this.last) ? able : [this.last]
    const left = crashes - this.crashed.filter(Boolean).length
    const steps = ready.flatMap(index => Array.from({ length: this.callsOf(index) }, (_, call) => index + CALLS * call))
    return [...steps, ...(left > 0 ? ready.filter(index => mayCrash.includes(index)).map(index => -index - 1) : [])]
  }

  /** Whether an actor can neither go on nor end. */
  get isStuck (): boolean {
    return this.world.actors.some((_, index) => !this.isDone[index] && !this.crashed[index] && this.callsOf(index) === 0)
  }

  callsOf (actor: number): number {
    return this.waiting[actor]?.length ?? 0
  }

  key (): string {
    const actors = this.world.actors.map((_, index) => `${this.isDone[index]}${this.crashed[index]}${this.waiting[index]?.map(({ label }) => label).join()}`)
    return [this.world.state(), ...actors].join('|')
  }
}

/**
 * Explores every order, or every one with at most so many `preemptions`. Of `crashes` actors at most, each may crash before any of its steps.
 *
 * @throws what `check` or an actor throws, with the order that led there
 */
export async function explore (
  make: () => World, { crashes = 0, mayCrash = [] as number[], preemptions = Infinity } = {}
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
      const key = preemptions === Infinity ? run.key() : `${run.key()}|${run.last}|${run.interruptions}`
      if (seen.has(key)) break
      seen.add(key)
      explored.states++
      const choices = run.choices(mayCrash, crashes, preemptions)
      try {
        if (run.failure !== undefined) throw run.failure
        if (run.isStuck) throw new Error('an actor waits for what nothing brings')
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

import { executionAsyncResource } from 'node:async_hooks'

/** For as long as the process runs. */
export let kept: object | undefined

/**
 * Keeps one of the objects that `process.nextTick` makes. Once for the process, however many apps it has.
 *
 * Node makes some ten of them for a request. If a full garbage collection finds none alive, V8 forgets what they
 * look like, and each later call of `process.nextTick` takes ten times as long, for good. Answers that go out together
 * at the end of a turn leave none alive between two turns: see `turn.ts`. With one that is kept, a read costs the
 * process a fifth less in Node 22, and a tenth less in Node 26.
 */
export function keepTickShape (): void {
  process.nextTick(() => { kept ??= executionAsyncResource() })
}

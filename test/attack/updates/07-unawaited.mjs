/** A process that does not wait for a save or an update that fails, and must live on. */
async function unawaited (ground) {
  for (const [action, watcher] of [['save', 'watched'], ['save', 'unwatched'], ['update', 'watched'], ['update', 'unwatched']]) {
    for (const fault of ['data', 'disk']) {
      const child = await ground.start('unawaited.mjs', [ground.directory(), action, watcher, fault])
      const [code] = await child.exited
      ground.judge(code !== 0, `an unawaited ${action}() that fails ends the process (error channel ${watcher})`)
    }
  }
}

export const attacks = [{ entry: 7, name: 'unawaited save() and update() that fail', run: unawaited }]

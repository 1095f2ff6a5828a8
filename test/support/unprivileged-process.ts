import { SessionFileStore } from '../../lib/store/files/session-file-store'

/** Becomes a user without rights, for good, and says what becomes of a start in these directories. */
async function report (directories: string[]): Promise<unknown> {
  if (process.geteuid?.() === 0) {
    process.setgroups?.([])
    process.setgid?.(65534)
    process.setuid?.(65534)
  }
  const errors = []
  for (const sessionDir of directories) {
    errors.push(await new SessionFileStore({ sessionDir }).open().then(() => null, (error: Error) =>
      ({ name: error.name, message: error.message, cause: (error.cause as NodeJS.ErrnoException).code })))
  }
  return errors
}

function answer (value: unknown): void {
  // Ends at once: exit handlers of the test runner would write where this user may not.
  process.send?.(value, () => { process.kill(process.pid, 'SIGKILL') })
}

report(process.argv.slice(2)).then(answer, error => { answer([String(error)]) })

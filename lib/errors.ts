/**
 * Anything that goes wrong with a session. Catch this one rather than its subclasses,
 * so that another store can be put in without a change to your code.
 *
 * `statusCode` is 500: an error that nobody catches becomes Fastify's answer for that request.
 * No message ever holds a session id or session data.
 */
export class SessionError extends Error {
  /** A constant that programs can compare, such as `SESSION_NOT_LOADED`. */
  readonly code: string
  readonly statusCode: number = 500

  constructor (code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  override get name (): string {
    return this.constructor.name
  }
}

/** Trouble with the disk. `cause` is the system's own error, with its `code` and `syscall`. */
export class SessionFileError extends SessionError {
  constructor (message: string, options?: ErrorOptions) {
    super('SESSION_FILE', message, options)
  }
}

const ADVICE: Record<string, string> = {
  EACCES: 'give the user that runs this process read and write access to it',
  EPERM: 'give the user that runs this process read and write access to it',
  EROFS: 'the filesystem is read-only: mount it writable or choose another sessionDir',
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space or raise it',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n)',
  ENFILE: 'this machine has too many files open: raise fs.file-max',
  ENOTDIR: 'a file stands where a directory should be: move it away',
  EEXIST: 'a file stands where a directory should be: move it away',
  ELOOP: 'a symbolic link stands where a session file should be: remove it',
  EISDIR: 'a directory stands where a session file should be: remove it',
  ENOENT: 'the directory is missing: it must not be removed while the app runs',
  EIO: 'the disk reports a fault: check it'
}

/**
 * Wraps a system error. `directory` is named in the message, never the file: its name belongs to
 * one visitor.
 */
export function fileError (doing: string, directory: string, cause: unknown): SessionFileError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  const advice = ADVICE[code]
  return new SessionFileError(
    `cannot ${doing} in ${directory}: ${code}${advice === undefined ? '' : `; ${advice}`}`, { cause })
}

/** Whether the error is the system's, with this code. */
export function hasCode (error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string)
}

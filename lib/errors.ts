import { printable } from './printable'

/**
 * Anything that goes wrong with a session. Catch this one rather than its subclasses,
 * so that another store can be put in without a change to your code.
 *
 * `statusCode` is 500; 503 when a store cannot be reached; 409 for a login too many. An error that no handler catches
 * becomes Fastify's answer for that request.
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

/** Trouble with the disk. `cause` is the system's own error, with its `code` and `syscall`, without the path. */
export class SessionFileError extends SessionError {
  constructor (message: string, options?: ErrorOptions) {
    super('SESSION_FILE', message, options)
  }
}

/**
 * Trouble with a store's server, such as a connection that was lost or an answer that did not come
 * in time. `cause` is the client's own error, without the command that it belongs to: that holds data.
 *
 * `statusCode` is 503, which tells load balancers and clients to try again later.
 */
export class SessionStoreError extends SessionError {
  override readonly statusCode: number = 503
  /**
   * `refused`: the store has not done what it was asked for. `unconfirmed`: it has, but too few replicas
   * have it. `unknown`: it may have done it, or may do it yet.
   */
  readonly outcome: 'refused' | 'unconfirmed' | 'unknown'

  constructor (message: string, { outcome = 'unknown', ...options }: ErrorOptions & { outcome?: SessionStoreError['outcome'] } = {}) {
    super('SESSION_STORE', message, options)
    this.outcome = outcome
  }
}

const outages = new WeakSet<object>()

/** Notes that the server was not to be reached, or took nothing just now: calls for other sessions fare alike. */
export function asOutage (error: SessionStoreError): SessionStoreError {
  outages.add(error)
  return error
}

/** Whether calls for other sessions fare alike. */
export function isOutage (error: unknown): error is SessionStoreError {
  return error instanceof SessionStoreError && outages.has(error)
}

/** Whether a store failed at a call that it has done all the same, or may have done. */
export function mayBeDone (error: unknown): error is SessionStoreError {
  return error instanceof SessionStoreError && error.outcome !== 'refused'
}

/** The session could not be loaded, because the store has trouble. `cause` is the store's error; `statusCode` is 503. */
export class SessionUnavailableError extends SessionError {
  override readonly statusCode: number = 503

  constructor (message: string, options?: ErrorOptions) {
    super('SESSION_UNAVAILABLE', message, options)
  }
}

/**
 * A login that is one too many, where the option `onLimit` is `'refuse'`. `statusCode` is 409: the visitor
 * must end one of the other sessions first.
 */
export class SessionLimitError extends SessionError {
  override readonly statusCode: number = 409

  constructor (message: string) {
    super('SESSION_LIMIT', message)
  }
}

const GIVE_ACCESS = 'give the user that runs this process read and write access to it'
const MOVE_FILE = 'a file stands where a directory should be: move it away'
const REMOVE_DIRECTORY = 'a directory stands where a session file should be: remove it'
const UNFIT = 'the file system cannot do what session files need: choose a sessionDir on a local disk'

/** What to do, by the code of the error, or by code and system call where that makes a difference. */
const ADVICE: Record<string, string> = {
  EACCES: GIVE_ACCESS,
  EPERM: GIVE_ACCESS,
  'EPERM rename': `${GIVE_ACCESS}; on Windows also keep other programs, such as virus scanners, away from it`,
  EBUSY: 'another program, such as a virus scanner, has a file in it open: keep it away from the session directory',
  'EPERM unlink': 'the file belongs to another user or is immutable (lsattr): remove it by hand',
  'EPERM link': UNFIT,
  EROFS: 'the filesystem is read-only: mount it writable or choose another sessionDir',
  ENOSPC: 'the disk is full: free some space',
  'ENOSPC mkdir': 'the disk is full, or can hold no more files: free some space',
  'ENOSPC link': 'the disk is full, or can hold no more files: free some space',
  EDQUOT: 'the disk quota is used up: free some space or raise it',
  EFBIG: 'the file would be longer than this process may write: raise its limit (ulimit -f)',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n)',
  ENFILE: 'this machine has too many files open: raise fs.file-max',
  ENAMETOOLONG: 'the path is too long: choose a shorter sessionDir',
  ENOTDIR: MOVE_FILE,
  EEXIST: MOVE_FILE,
  ELOOP: 'a symbolic link stands where a session file should be: remove it',
  'ELOOP lstat': 'a symbolic link stands where a directory should be: remove it',
  ENXIO: 'a pipe or a socket stands where a session file should be: remove it',
  EISDIR: REMOVE_DIRECTORY,
  EXDEV: 'another file system is mounted inside the session directory: unmount it',
  ENOENT: 'the directory is missing: it must not be removed while the app runs',
  'ENOENT stat': 'a symbolic link stands there, and the directory that it leads to is missing: make that directory, or remove the link',
  ESTALE: UNFIT,
  ENOSYS: UNFIT,
  EOPNOTSUPP: UNFIT,
  ENOTSUP: UNFIT,
  EIO: 'the disk reports a fault: check it'
}

/** The quota is used up (EDQUOT), by the numbers of Linux and of macOS: Node knows no name for it. */
const QUOTA_ERRNO = [-122, -69]

/**
 * Wraps a system error. `directory` is named in the message, never the file: its name belongs to
 * one visitor.
 */
export function fileError (doing: string, directory: string, cause: unknown): SessionFileError {
  const code = codeOf(cause)
  const advice = ADVICE[`${code} ${(cause as NodeJS.ErrnoException).syscall}`] ?? ADVICE[code]
  return new SessionFileError(
    `cannot ${doing} in ${printable(directory)}: ${code}${advice === undefined ? '' : `; ${advice}`}`,
    { cause: withoutPath(cause) })
}

/** Returns the error itself if it is a SessionError, and otherwise wraps it as `fileError` does. */
export function asSessionError (doing: string, directory: string, error: unknown): SessionError {
  return error instanceof SessionError ? error : fileError(doing, directory, error)
}

/** Whether the error is the system's, with one of these codes. */
export function hasCode (error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string)
}

/** Whether the error says that the disk is full, or the user's share of it. */
export function isFull (error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

/** Makes an error like those of the system, for what a check found out by itself. */
export function systemError (code: string, text: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, syscall })
}

function codeOf (cause: unknown): string {
  const { code, errno } = cause as NodeJS.ErrnoException
  if (errno !== undefined && QUOTA_ERRNO.includes(errno)) return 'EDQUOT'
  return code ?? 'unknown error'
}

/** Returns the system's error without the path that it names; any other error as it is. */
function withoutPath (cause: unknown): unknown {
  if (!(cause instanceof Error) || !('path' in cause || 'dest' in cause)) return cause
  const { message, code, errno, syscall } = cause as NodeJS.ErrnoException
  // Node writes "EACCES: permission denied, open '/path'", and " -> '/path'" after it for two paths.
  const [text] = message.split(" '") as [string]
  return Object.assign(new Error(text), { code, errno, syscall })
}

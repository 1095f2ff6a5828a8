import t from 'tap'
import { asSessionError, fileError, hasCode, isFull, SessionError, SessionFileError, SessionStoreError, SessionUnavailableError, systemError as madeUp } from '../lib/errors'

function systemError (code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as the system says it`), { code, syscall: 'open' })
}

t.test('a SessionError is an error with a code, answered with 500', async t => {
  const cause = new Error('deep down')
  const error = new SessionError('SESSION_NOT_LOADED', 'too early', { cause })
  t.ok(error instanceof Error)
  t.equal(error.name, 'SessionError')
  t.equal(error.code, 'SESSION_NOT_LOADED')
  t.equal(error.message, 'too early')
  t.equal(error.statusCode, 500)
  t.equal(error.cause, cause)
  t.match(error.stack, /^SessionError: too early\n.*errors\.test/s)
  t.equal(new SessionError('X', 'y').cause, undefined)
})

t.test('a SessionFileError is caught as a SessionError', async t => {
  const error = new SessionFileError('no luck')
  t.ok(error instanceof SessionError)
  t.equal(error.name, 'SessionFileError')
  t.equal(error.code, 'SESSION_FILE')
  t.equal(error.statusCode, 500)
})

t.test('a SessionStoreError is caught as a SessionError', async t => {
  const error = new SessionStoreError('no answer')
  t.ok(error instanceof SessionError)
  t.equal(error.name, 'SessionStoreError')
  t.equal(error.code, 'SESSION_STORE')
  t.equal(error.statusCode, 503)
})

t.test('subclasses that users make bear their own name', async t => {
  class StoreDownError extends SessionError {}
  t.equal(new StoreDownError('DOWN', 'down').name, 'StoreDownError')
})

t.test('trouble with the disk says what to do', async t => {
  const advice: Record<string, RegExp> = {
    EACCES: /give the user that runs this process read and write access/,
    EPERM: /give the user that runs this process read and write access/,
    EROFS: /mount it writable or choose another sessionDir/,
    ENOSPC: /free some space/,
    EDQUOT: /free some space or raise it/,
    EMFILE: /ulimit -n/,
    ENFILE: /fs\.file-max/,
    ENOTDIR: /move it away/,
    EEXIST: /move it away/,
    ELOOP: /symbolic link .* remove it/,
    EISDIR: /directory stands .* remove it/,
    ENOENT: /must not be removed while the app runs/,
    EIO: /check it/
  }
  for (const [code, expected] of Object.entries(advice)) {
    const cause = systemError(code)
    const error = fileError('save a session', '/srv/sessions/sid', cause)
    t.ok(error instanceof SessionFileError)
    t.equal(error.cause, cause)
    t.ok(error.message.startsWith(`cannot save a session in /srv/sessions/sid: ${code}; `), error.message)
    t.match(error.message, expected, code)
  }
})

t.test('trouble that nobody foresaw is named as it is', async t => {
  t.equal(fileError('read a session', '/s', systemError('EUCLEAN')).message, 'cannot read a session in /s: EUCLEAN')
  t.equal(fileError('read a session', '/s', new Error('odd')).message, 'cannot read a session in /s: unknown error')
})

t.test('hasCode knows system errors by their code', async t => {
  t.equal(hasCode(systemError('ENOENT'), 'ENOENT'), true)
  t.equal(hasCode(systemError('EEXIST'), 'ENOENT', 'EEXIST'), true)
  t.equal(hasCode(systemError('EACCES'), 'ENOENT', 'EEXIST'), false)
  t.equal(hasCode(systemError('ENOENT')), false)
  t.equal(hasCode(new Error('no code'), 'ENOENT'), false)
  t.equal(hasCode({ code: 'ENOENT' }, 'ENOENT'), false, 'not an error')
  t.equal(hasCode(null, 'ENOENT'), false)
})

t.test('the advice depends on the call where that makes a difference', async t => {
  const advice = (code: string, syscall: string): string =>
    fileError('save a session', '/s', Object.assign(systemError(code), { syscall })).message
  t.match(advice('ENOSPC', 'mkdir'), /can hold no more files/)
  t.match(advice('ENOSPC', 'write'), /the disk is full: free some space/)
  t.match(advice('EPERM', 'unlink'), /immutable/)
  t.match(advice('EPERM', 'open'), /give the user/)
  t.match(advice('ELOOP', 'lstat'), /symbolic link stands where a directory should be/)
})

t.test('a quota that is used up has no name in Node', async t => {
  for (const errno of [-122, -69]) {
    const error = Object.assign(new Error('Unknown system error -122, write'), { code: 'Unknown system error -122', errno, syscall: 'write' })
    t.equal(fileError('save a session', '/s', error).message, 'cannot save a session in /s: EDQUOT; the disk quota is used up: free some space or raise it')
    t.ok(isFull(error))
  }
  t.ok(isFull(systemError('ENOSPC')))
  t.notOk(isFull(systemError('EIO')))
  t.notOk(isFull(Object.assign(systemError('EIO'), { errno: -5 })))
})

t.test('no cause names a file', async t => {
  const hash = 'ab'.repeat(31)
  const fs = require('node:fs/promises') as typeof import('node:fs/promises')
  for (const call of [() => fs.open(`/nowhere/${hash}`), () => fs.rename(`/nowhere/${hash}`, `/nowhere/${hash}.aside`)]) {
    const cause = await call().then(() => undefined, (each: unknown) => each) as NodeJS.ErrnoException
    t.match(cause.message, hash)
    const error = fileError('read a session', '/nowhere', cause)
    t.match(error.cause, { code: 'ENOENT', errno: cause.errno, syscall: cause.syscall, message: `ENOENT: no such file or directory, ${cause.syscall}` })
    const { inspect } = require('node:util') as typeof import('node:util')
    t.notMatch(inspect(error, { showHidden: true, depth: 9 }), hash)
  }
})

t.test('control characters in the name of a directory are written out', async t => {
  t.match(fileError('read a session', '/srv/\u001b[31m', systemError('EIO')).message, 'in /srv/\\u001b[31m: EIO')
})

t.test('an error of ours is not wrapped again', async t => {
  const error = new SessionFileError('ours')
  t.equal(asSessionError('read a session', '/s', error), error)
  t.match(asSessionError('read a session', '/s', systemError('EIO')), { code: 'SESSION_FILE', message: /cannot read a session in \/s: EIO/ })
})

t.test('an error like those of the system', async t => {
  t.match(madeUp('ENOTDIR', 'not a directory', 'lstat'), { code: 'ENOTDIR', syscall: 'lstat', message: 'ENOTDIR: not a directory, lstat' })
})

t.test('a SessionUnavailableError is caught as a SessionError', async t => {
  const cause = new SessionStoreError('no answer')
  const error = new SessionUnavailableError('later', { cause })
  t.ok(error instanceof SessionError)
  t.match(error, { name: 'SessionUnavailableError', code: 'SESSION_UNAVAILABLE', statusCode: 503, cause })
})

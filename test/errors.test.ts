import t from 'tap'
import { fileError, hasCode, SessionError, SessionFileError } from '../lib/errors'

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

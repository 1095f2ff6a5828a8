import { GRACE, SET_ASIDE_KEPT } from '../clock'
import { changing, reading, script } from './script'

export const GONE = 0
export const DONE = 1
export const CONFLICT = 2
/** It is a repeated call, and so many writers came between that the key does not remember whether the first was carried out. */
export const UNKNOWN = 3

/** Answers the value; nil when there is no session. What is answered of a damaged one is not a whole value. */
export const READ = reading(`
local value = redis.pcall('GET', KEYS[number])
if not value then return false end
if type(value) == 'table' then return REFUSAL .. value.err end
local start = string.sub(value, 1, 2)
if start == 'S1' then return value end
return start ~= 'E1' and (strangeness(value) or DAMAGED)
`)

/** Parameters: idle timeout, when it was made and last used (`-`: now). */
export const CREATE = changing(`
if last ~= '' and knows(id) then return again(${DONE}) end
if kind == 'S' and now < ends then return ${CONFLICT} end
idle = tonumber(newIdle)
created = math.min(tonumber(newCreated) or now, now)
access = math.min(tonumber(other) or now, now)
write('S')
return ${DONE}
`)

/** Parameters: idle timeout, when it was made (`-`: as before), and the version that it replaces. */
export const REPLACE = changing(replacing('access = now'))

/** The same, and the session's last use stays when it was. */
export const REPLACE_UNUSED = changing(replacing(''))

function replacing (use: string): string {
  return `
if kind == '' or kind == DAMAGED then return ${GONE} end
if knows(id) then return again(${DONE}) end
if repeated == '1' and mayForget(other) then return ${UNKNOWN} end
if kind == 'E' or now >= ends + ${GRACE} then return ${GONE} end
if last ~= other then return ${CONFLICT} end
idle = tonumber(newIdle)
created = math.min(tonumber(newCreated) or created, now)
${use}
write('S')
return ${DONE}
`
}

/** Parameter: the version that it removes (`-`: any, `?`: none but a damaged session). */
export const REMOVE = changing(`
local function finish ()
  local isKept, refusal = pcall(write, 'E')
  if isKept then return end
  local said = type(refusal) == 'table' and refusal.err or refusal
  if not string.find(said, 'OOM ', 1, true) then error(refusal, 0) end
  -- Without memory the server takes what is new from a script alone that has removed something before.
  redis.call('DEL', key)
  pcall(write, 'E')
end
if knows(id) then return again(${DONE}) end
if kind == DAMAGED then
  if other ~= '-' and other ~= '?' then return ${CONFLICT} end
  finish()
  return ${DONE}
end
if kind ~= 'S' or now >= ends + ${GRACE} then return again(${GONE}) end
if other ~= '-' and last ~= other then return ${CONFLICT} end
finish()
return ${DONE}
`)

/** Starts the idle time anew, in place: no text moves. */
export const TOUCH = changing(`
if kind ~= 'S' or now >= ends + ${GRACE} then return ${GONE} end
access = now
local finish = ending()
redis.call('SETRANGE', key, 2, string.format('%013d%013d%013d', access, created, finish))
redis.call('PEXPIREAT', key, string.format('%d', finish + ${GRACE}))
return ${DONE}
`, { waits: false })

/** The version that it sets aside (`-`: any, `?`: none but a damaged session). The second key, in the same slot, is where the value goes. */
export const SET_ASIDE = changing(`
if kind == '' then
  -- An empty value has no bytes to keep.
  redis.call('DEL', key)
  return ${GONE}
end
if kind == 'E' or knows(id) then return ${GONE} end
local isAsked = other == '-' or last == other or (kind == DAMAGED and other == '?')
if not isAsked then return ${CONFLICT} end
redis.call('RENAME', key, aside)
redis.call('PEXPIRE', aside, ${SET_ASIDE_KEPT})
write('E')
return ${DONE}
`, { keys: 2 })

/** Tries all that the other scripts do, on two keys that do not exist and are gone when it is done. */
export const TRIAL = script(`
redis.call('SET', KEYS[1], 'trial', 'PXAT', string.format('%d', now + 60000))
redis.call('SETRANGE', KEYS[1], 2, 'y')
redis.call('PEXPIREAT', KEYS[1], string.format('%d', now + 60000))
local value = redis.call('GET', KEYS[1]) .. redis.call('GETRANGE', KEYS[1], 0, 1) .. redis.call('PTTL', KEYS[1])
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PEXPIRE', KEYS[2], 1)
redis.call('DEL', KEYS[2])
answers[3] = ${DONE}
return answers
`, true)

import { createHash } from 'node:crypto'
import { GRACE } from '../clock'

/** So many earlier ids a key remembers, the newest first; of one writer not more than a few, for it waits for each answer. */
const REMEMBERED = 64
const REMEMBERED_OF_WRITER = 4
/** Characters of an id that are remembered, and of those the ones that stand for the writer. */
const START = 11
export const WRITER = 4
/** Characters of such a memory: the start of the id, and the second when it was overtaken. */
export const MEMORY_SIZE = START + 10
/** For so long (seconds) after it was overtaken an id is remembered: longer than a caller may repeat its call. */
const MEMORY = 60
/** For so long (milliseconds) a session that was set aside is kept. */
const ASIDE = 7 * 24 * 3600 * 1000

/**
 * A script other than `READ` answers with one number: the time of the server in milliseconds, times
 * this, and one of the outcomes below.
 */
export const OUTCOMES = 8

export const GONE = 0
export const DONE = 1
export const CONFLICT = 2
/** It is a repeated call, and so many writers came between that the key does not remember whether the first was carried out. */
export const UNKNOWN = 3
/** The call came after its time was up. The script did nothing. */
export const LATE = 4

/** A script for the server, which keeps it under its hash. */
export interface Script {
  readonly text: string
  readonly sha: string
  /** Whether it answers with a time and an outcome. */
  readonly hasOutcome: boolean
}

/**
 * The value of a session's key. Every field but the last has a fixed width, so that scripts change
 * a time in place; the text comes last. In Lua, the first character is number 1.
 *
 *  1     `S`: a session, `E`: one that has ended, kept for a minute so that a repeated call is recognised
 *  2     `1`: the number of this format
 *  3-15  last access, in milliseconds since 1970 by the server's clock
 * 16-28  when it was made
 * 29-41  when it ends if it is not used; the key expires {@link GRACE} later
 * 42-51  its own idle timeout in seconds, 0 for the store's
 * 52-67  the id of the last record, or of the call that ended the session
 * 68-69  how many earlier ids follow, each as {@link MEMORY_SIZE} characters
 *
 * The parameters come in one string, because each costs the client as much as a hundred characters:
 * whether the call is a repeated one, the moment by the server's clock from which it must do nothing, its id, the store's idle and absolute timeout in milliseconds,
 * and three more that each script has a use of its own for. The text is a second one.
 */
const PRELUDE = `
local key = KEYS[1]
local repeated, deadline, id, storeIdle, storeAbsolute, newIdle, newCreated, other =
  string.match(ARGV[1], '^(%d)(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+)$')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function answer (outcome) return now * ${OUTCOMES} + outcome end
if now >= tonumber(deadline) then return answer(${LATE}) end
local head = redis.call('GETRANGE', key, 0, ${69 + MEMORY_SIZE * REMEMBERED - 1})
if head ~= '' and not string.find(head, '^[SE]1%d%d%d%d%d%d%d%d%d%d%d%d%d') then
  return redis.error_reply('FOREIGN the key holds another value')
end
local kind, access, created, idle, last, ids = '', 0, 0, 0, '', ''
if head ~= '' then
  kind = string.sub(head, 1, 1)
  access, created = tonumber(string.sub(head, 3, 15)), tonumber(string.sub(head, 16, 28))
  idle, last = tonumber(string.sub(head, 42, 51)), string.sub(head, 52, 67)
  ids = string.sub(head, 70, 69 + ${MEMORY_SIZE} * tonumber(string.sub(head, 68, 69)))
end
local function ending ()
  local idleEnd = access + (idle > 0 and idle * 1000 or tonumber(storeIdle))
  local absolute = tonumber(storeAbsolute)
  return absolute > 0 and math.min(idleEnd, created + absolute) or idleEnd
end
local ends = kind == 'S' and ending() or 0
local function knows (record)
  if last == record then return true end
  local start = string.sub(record, 1, ${START})
  for at = 1, #ids, ${MEMORY_SIZE} do
    if string.sub(ids, at, at + ${START - 1}) == start then return true end
  end
  return false
end
-- Whether the key may have forgotten a call of this caller that was carried out since this version.
local function mayForget (version)
  if last == version then return false end
  local start, own = string.sub(version, 1, ${START}), 0
  for at = 1, #ids, ${MEMORY_SIZE} do
    if string.sub(ids, at, at + ${START - 1}) == start then return false end
    if string.sub(ids, at, at + ${WRITER - 1}) == string.sub(id, 1, ${WRITER}) then own = own + 1 end
    if own == ${REMEMBERED_OF_WRITER} then return true end
  end
  return #ids == ${MEMORY_SIZE * REMEMBERED}
end
local function write (letter, text)
  local kept = ''
  if last ~= '' then
    local second, room, writers = math.floor(now / 1000), ${REMEMBERED - 1}, {}
    local function keeps (start)
      local writer = string.sub(start, 1, ${WRITER})
      writers[writer] = (writers[writer] or 0) + 1
      return writers[writer] <= ${REMEMBERED_OF_WRITER}
    end
    keeps(last)
    kept = string.sub(last, 1, ${START}) .. string.format('%010d', second)
    for at = 1, #ids, ${MEMORY_SIZE} do
      local memory = string.sub(ids, at, at + ${MEMORY_SIZE - 1})
      if room == 0 or tonumber(string.sub(memory, ${START + 1})) < second - ${MEMORY} then break end
      if keeps(memory) then kept, room = kept .. memory, room - 1 end
    end
  end
  local finish = letter == 'S' and ending() or now
  local value = letter .. '1' .. string.format('%013d%013d%013d%010d', access, created, finish, idle) .. id ..
    string.format('%02d', #kept / ${MEMORY_SIZE}) .. kept .. text
  redis.call('SET', key, value, 'PXAT', string.format('%d', finish + ${GRACE}))
end
-- The call was carried out before. The key is written again, so that WAIT waits for what it did.
local function again ()
  redis.call('PEXPIREAT', key, string.format('%d', math.max(redis.call('PTTL', key), 1) + now))
  return answer(${DONE})
end
`

/** Answers nil, or the value and the milliseconds until the key expires, at one moment. */
export const READ = script(`
local value = redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, 1) == 'E' then return false end
return { value, redis.call('PTTL', KEYS[1]) }
`, false)

/** Parameters: idle timeout, when it was made and last used (`-`: now), and the text. */
export const CREATE = script(`${PRELUDE}
if last ~= '' and knows(id) then return again() end
if kind == 'S' and now < ends then return answer(${CONFLICT}) end
idle = tonumber(newIdle)
created = math.min(tonumber(newCreated) or now, now)
access = math.min(tonumber(other) or now, now)
write('S', ARGV[2] or '')
return answer(${DONE})
`)

/** Parameters: idle timeout, when it was made (`-`: as before), the version that it replaces, and the text. */
export const REPLACE = script(`${PRELUDE}
if kind == '' then return answer(${GONE}) end
if knows(id) then return again() end
if repeated == '1' and mayForget(other) then return answer(${UNKNOWN}) end
if kind == 'E' or now >= ends + ${GRACE} then return answer(${GONE}) end
if last ~= other then return answer(${CONFLICT}) end
idle = tonumber(newIdle)
created = math.min(tonumber(newCreated) or created, now)
access = now
write('S', ARGV[2] or '')
return answer(${DONE})
`)

/** Parameter: the version that it removes (`-`: any). */
export const REMOVE = script(`${PRELUDE}
if kind == '' then return answer(${GONE}) end
if knows(id) then return again() end
if kind == 'E' or now >= ends + ${GRACE} then return answer(${GONE}) end
if other ~= '-' and last ~= other then return answer(${CONFLICT}) end
write('E', '')
return answer(${DONE})
`)

/** Starts the idle time anew, in place: no text moves. */
export const TOUCH = script(`${PRELUDE}
if kind ~= 'S' or now >= ends + ${GRACE} then return answer(${GONE}) end
access = now
local finish = ending()
redis.call('SETRANGE', key, 2, string.format('%013d%013d%013d', access, created, finish))
redis.call('PEXPIREAT', key, string.format('%d', finish + ${GRACE}))
return answer(${DONE})
`)

/** The version that it sets aside (`-`: any). The second key, in the same slot, is where the value goes. */
export const SET_ASIDE = script(`${PRELUDE}
if kind ~= 'S' or knows(id) then return answer(${GONE}) end
if other ~= '-' and last ~= other then return answer(${CONFLICT}) end
redis.call('RENAME', key, KEYS[2])
redis.call('PEXPIRE', KEYS[2], ${ASIDE})
write('E', '')
return answer(${DONE})
`)

/** Tries all that the other scripts do, on two keys that do not exist and are gone when it is done. */
export const TRIAL = script(`
local clock = redis.call('TIME')
redis.call('SET', KEYS[1], 'trial', 'PXAT', string.format('%d', clock[1] * 1000 + 60000))
redis.call('SETRANGE', KEYS[1], 2, 'y')
redis.call('PEXPIREAT', KEYS[1], string.format('%d', clock[1] * 1000 + 60000))
local value = redis.call('GET', KEYS[1]) .. redis.call('GETRANGE', KEYS[1], 0, 1) .. redis.call('PTTL', KEYS[1])
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('PEXPIRE', KEYS[2], 1)
redis.call('DEL', KEYS[2])
return clock[1] * ${OUTCOMES * 1000} + ${DONE}
`)

function script (text: string, hasOutcome = true): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex'), hasOutcome }
}

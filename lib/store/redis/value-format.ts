import { GRACE } from '../clock'

/**
 * The value of a session's key. Every field but the last has a fixed width, so that scripts change
 * a time in place; the text comes last. In Lua, the first character is number 1.
 *
 *  1     `S`: a session, `E`: one that has ended, kept for {@link MEMORY} so that a repeated call is recognised
 *  2     `1`: the number of this format
 *  3-15  last access, in milliseconds since 1970 by the server's clock
 * 16-28  when it was made
 * 29-41  when it ends if it is not used; the key of a live one expires {@link GRACE} later
 * 42-51  its own idle timeout in seconds, 0 for the store's
 * 52-67  the id of the last record, or of the call that ended the session
 * 68-69  how many earlier ids follow, each as {@link MEMORY_SIZE} characters
 */
/** Characters before the earlier ids. */
export const HEAD = 69

/** What every whole value begins with. */
export const WHOLE_HEAD = /^[SE]1\d{49}[\w-]{16}\d\d/
/** The earlier ids of a whole value. */
export const WHOLE_MEMORIES = /^(?:[\w-]{11}\d{10})*$/

/** Earlier ids that a key remembers, the newest first; of one writer not more than a few, for it waits for each answer. */
export const REMEMBERED = 64
const REMEMBERED_OF_WRITER = 4
/** Characters of an id that are remembered, and of those the ones that stand for the writer. */
const START = 11
export const WRITER = 4
/** Characters of such a memory: the start of the id, and the second when it was overtaken. */
export const MEMORY_SIZE = START + 10
/** Seconds for which an id is remembered after it was overtaken, and the key of a session after its end: longer than a caller repeats its calls. */
export const MEMORY = 180

/**
 * What scripts that change sessions have in common: they look at a key and write it anew.
 *
 * The first argument holds what all calls of a command share: its number, whether they are repeated ones, the moment
 * by the server's clock from which they must do nothing, and the store's idle and absolute timeout in
 * milliseconds. Two arguments for each call follow: its id and three parameters of the script's own, in one
 * string because each argument costs the client as much as a hundred characters; and the text.
 */
export const VALUE_FUNCTIONS = `
local repeated, deadline, storeIdle, storeAbsolute = string.match(ARGV[1], '^%d+ (%d)(%d+) (%d+) (%d+)$')
if now >= tonumber(deadline) then return answers end
local key, id, newIdle, newCreated, other, text, aside
local kind, access, created, idle, last, ids, ends
local IDS, SECOND = string.rep('[%w_-]', ${START}), string.rep('%d', 10)
local WHOLE_HEAD = '^[SE]1' .. string.rep('%d', 49) .. string.rep('[%w_-]', 16) .. '%d%d'
-- How many earlier ids a whole value has; nil for one that was cut off or changed.
local function remembered (head)
  if not string.find(head, WHOLE_HEAD) then return nil end
  local count = tonumber(string.sub(head, 68, ${HEAD}))
  if count > ${REMEMBERED} or not string.find(head, '^' .. string.rep(IDS .. SECOND, count), ${HEAD + 1}) then return nil end
  return count
end
local function ending ()
  local idleEnd = access + (idle > 0 and idle * 1000 or tonumber(storeIdle))
  local absolute = tonumber(storeAbsolute)
  return absolute > 0 and math.min(idleEnd, created + absolute) or idleEnd
end
-- Looks at the key of the call with this number. Returns why that cannot be done.
local function look (number)
  id, newIdle, newCreated, other = string.match(ARGV[2 * number], '^(%S+) (%d+) (%S+) (%S+)$')
  text = ARGV[2 * number + 1]
  kind, access, created, idle, last, ids, ends = '', 0, 0, 0, '', '', 0
  local head = redis.pcall('GETRANGE', key, 0, ${HEAD + MEMORY_SIZE * REMEMBERED - 1})
  if type(head) == 'table' then return REFUSAL .. head.err end
  if head == '' then return nil end
  local count = remembered(head)
  if not count then
    -- A session that has ended has nothing to lose.
    kind = string.find(head, '^E1') and 'E' or DAMAGED
    return kind == DAMAGED and strangeness(head) or nil
  end
  kind = string.sub(head, 1, 1)
  access, created = tonumber(string.sub(head, 3, 15)), tonumber(string.sub(head, 16, 28))
  idle, last = tonumber(string.sub(head, 42, 51)), string.sub(head, 52, 67)
  ids = string.sub(head, ${HEAD + 1}, ${HEAD} + ${MEMORY_SIZE} * count)
  if kind == 'S' then ends = ending() end
end
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
local function write (letter)
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
  redis.call('SET', key, value, 'PXAT', string.format('%d', finish + (letter == 'S' and ${GRACE} or ${MEMORY * 1000})))
end
-- What the caller is told was done before. Something is written, so that WAIT waits for that.
local function again (outcome)
  if kind == '' then
    -- Without memory the server takes the next command from a script alone that has removed something before.
    redis.call('DEL', key)
    redis.call('SET', key, 'E1')
    redis.call('DEL', key)
  else
    redis.call('PEXPIREAT', key, string.format('%d', math.max(redis.call('PTTL', key), 1) + now))
  end
  return outcome
end
`

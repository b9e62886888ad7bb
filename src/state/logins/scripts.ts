/**
 * What the store does with logins, each step as a whole. A login is a hash of fields: `v` is the login, sealed with half a
 * key that only its cookie has; `m` is what must be known to end it, sealed without; `p` and `s` name the indexes that it is
 * in; `f` counts who has renewed it (the fencing token). Beside them are indexes: `b` of all by their beginning, `e` by
 * their end, `p:…` by person, `s:…` by session at the provider.
 */
import { script } from '../store.ts'

const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
`

/** Ends one; the sealed `m` of it, or nothing. The four names of keys that it needs come last. */
const END = `
local function finish(name, base, b, e, index)
  local m, p, s = unpack(redis.call('HMGET', base .. name, 'm', 'p', 's'))
  redis.call('DEL', base .. name)
  redis.call('ZREM', b, name)
  redis.call('ZREM', e, name)
  if p then redis.call('ZREM', index .. p, name) end
  if s and s ~= '' then redis.call('ZREM', index .. s, name) end
  return m
end
`

/** KEYS: b, e. ARGV: name, before, v, m, life in ms, most of all, most of one, person's index, session's index, base, index base. */
export const ADD = script(`${NOW}${END}
local b, e = KEYS[1], KEYS[2]
local name, before, v, m, life, most, mostOwn, p, s, base, index = unpack(ARGV)
if before ~= '' then finish(before, base, b, e, index) end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', e, '-inf', now, 'LIMIT', 0, 1000)) do finish(old, base, b, e, index) end
local evicted = {}
local own = index .. p
for _, old in ipairs(redis.call('ZRANGE', own, 0, -1)) do
  if not redis.call('ZSCORE', e, old) then redis.call('ZREM', own, old) end
end
local function makeRoom(key, count)
  local over = redis.call('ZCARD', key) - count + 1
  if over <= 0 then return end
  for _, old in ipairs(redis.call('ZRANGE', key, 0, over - 1)) do
    local sealed = finish(old, base, b, e, index)
    redis.call('ZREM', key, old)
    if sealed then evicted[#evicted + 1] = {old, sealed} end
  end
end
makeRoom(own, tonumber(mostOwn))
makeRoom(b, tonumber(most))
redis.call('HSET', base .. name, 'v', v, 'm', m, 'p', p, 's', s, 'f', 0)
redis.call('PEXPIRE', base .. name, life + 5000)
redis.call('ZADD', b, now, name)
redis.call('ZADD', e, now + life * 1000, name)
local function note(key)
  redis.call('ZADD', key, now, name)
  if redis.call('PTTL', key) < tonumber(life) then redis.call('PEXPIRE', key, life + 5000) end
end
note(own)
if s ~= '' then note(index .. s) end
return evicted`)

/** KEYS: login. ARGV: v, fencing token or nothing. 1: renewed, 0: gone, -1: another has renewed it since. */
export const RENEW = script(`
local f = redis.call('HGET', KEYS[1], 'f')
if not f then return 0 end
if ARGV[2] ~= '' and f ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], 'v', ARGV[1])
return 1`)

/** KEYS: b, e. ARGV: base, index base, names. The sealed `m` of those that were there. */
export const FINISH = script(`${END}
local ended = {}
for i = 3, #ARGV do
  local sealed = finish(ARGV[i], ARGV[1], KEYS[1], KEYS[2], ARGV[2])
  if sealed then ended[#ended + 1] = {ARGV[i], sealed} end
end
return ended`)

/** KEYS: an index. ARGV: base. What must be known to end those in it. */
export const LIST = script(`
local found = {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local m = redis.call('HGET', ARGV[1] .. name, 'm')
  if m then found[#found + 1] = {name, m} else redis.call('ZREM', KEYS[1], name) end
end
return found`)

/**
 * KEYS: login, lock. ARGV: own token, ms. What a lock holds is the token of whoever renews, or `=token:outcome` once it is
 * done, for those who wait. {1, v, f}: taken · {0, token}: somebody is at it · {-1}: the login is gone.
 */
export const LOCK = script(`
local v = redis.call('HGET', KEYS[1], 'v')
if not v then return {-1} end
local held = redis.call('GET', KEYS[2])
if held and string.sub(held, 1, 1) ~= '=' then return {0, held} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, v, redis.call('HINCRBY', KEYS[1], 'f', 1)}`)

/** KEYS: lock. ARGV: own token, outcome or nothing. */
export const UNLOCK = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], '=' .. ARGV[1] .. ':' .. ARGV[2], 'PX', 5000) end
return 1`)

/**
 * The scripts that run in Redis. Each one is atomic, so two nodes never see the same free lease.
 *
 * Values are text, because a Lua number holds only fourteen digits of a generation:
 *   lease:{id}   `generation private instance url`
 *   beside:{id}  the same, of a node that cannot reach the holder of `lease:{id}`
 *   entry:{id}   `generation JSON`; without JSON after a purge, which rejects older downloads for a minute
 *   fail:{id}    JSON of a failure
 */

import { Script } from './redis.js'

const clock = `
  local time = redis.call('TIME')
  local generation = string.format('%.0f', time[1] * 1000000 + time[2])`

/** KEYS lease beside entry at fail part. Returns the state of one key. */
export const LOOK = new Script(`
  return { redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3]),
    redis.call('SMEMBERS', KEYS[4]), redis.call('GET', KEYS[5]), redis.call('SMEMBERS', KEYS[6]) }`)

/**
 * KEYS lease entry. ARGV instance, url, private, lifetime, generation of the entry that the caller has seen. Returns the
 * generation of a new lease, or what prevents it. The generation is higher than that of the entry also after the clock of
 * Redis was set back, or that of a new master is behind: otherwise new content could not be published. It is above by the
 * microseconds of the clock, so that two leases under one entry have different generations.
 */
export const ACQUIRE = new Script(`${clock}
  local held = redis.call('GET', KEYS[1])
  if held and string.match(held, '^%d+ %d (%S+)') ~= ARGV[1] then return { 'theirs' } end
  local entry = redis.call('GET', KEYS[2])
  local known = entry and string.match(entry, '^%d+') or ''
  if known ~= ARGV[5] then return { 'changed' } end
  if known ~= '' and tonumber(known) >= tonumber(generation) then
    generation = string.format('%.0f', tonumber(known) + 1 + time[2])
  end
  redis.call('SET', KEYS[1], table.concat({ generation, ARGV[3], ARGV[1], ARGV[2] }, ' '), 'PX', ARGV[4])
  return { 'mine', generation }`)

/**
 * KEYS lease of each. ARGV lifetime, then for each lease its value and 1 if it may be written again. Returns 1 for each
 * renewed lease and 0 for each lost one.
 */
export const RENEW = new Script(`
  local kept = {}
  for i, key in ipairs(KEYS) do
    local value = ARGV[2 * i]
    local held = redis.call('GET', key)
    local mine = held == value or (not held and ARGV[2 * i + 1] == '1')
    if mine then redis.call('SET', key, value, 'PX', ARGV[1]) end
    kept[i] = mine and 1 or 0
  end
  return kept`)

const release = `
  local held = redis.call('GET', KEYS[1])
  if held and string.match(held, '^%d+') == ARGV[1] then redis.call('DEL', KEYS[1]) end`

/**
 * KEYS lease entry at log fail. ARGV generation, JSON of the entry, its sum, instance, lifetime of hints, 1 if the previous
 * content is known to differ, 1 if the lease may be written again. Ends the lease in the same step, so that every node finds
 * the lease or the entry. Returns 1 if the entry was stored, 0 if the lease was lost or a later entry exists.
 */
export const PUBLISH = new Script(`
  local before = redis.call('GET', KEYS[2])
  local number = before and string.match(before, '^%d+')
  local stored = 0
  local holder = redis.call('GET', KEYS[1])
  local mine = holder and string.match(holder, '^%d+') == ARGV[1] or (not holder and ARGV[7] == '1')
  if mine and (not number or tonumber(number) <= tonumber(ARGV[1])) then
    stored = 1
    local sum = before and string.match(before, '"sha256":"(%x+)"')
    redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[5])
    if sum ~= ARGV[3] then
      redis.call('DEL', KEYS[3])
      if sum or ARGV[6] == '1' then
        redis.call('XADD', KEYS[4], 'MAXLEN', '~', '100000', '*', 'replaced', ARGV[2], 'by', ARGV[4])
      end
    end
    redis.call('SADD', KEYS[3], ARGV[4])
    redis.call('PEXPIRE', KEYS[3], ARGV[5])
    redis.call('DEL', KEYS[5])
  end
  ${release}
  return stored`)

/**
 * KEYS lease fail entry, and the other lease. ARGV generation, JSON of a failure or nothing, its lifetime. The failure is for
 * every node: it is not told while another node downloads the key, or after it has stored it.
 */
export const RELEASE = new Script(`${release}
  if ARGV[2] == '' or redis.call('EXISTS', KEYS[4]) == 1 then return end
  local entry = redis.call('GET', KEYS[3])
  if entry and tonumber(string.match(entry, '^%d+')) > tonumber(ARGV[1]) then return end
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])`)

/** KEYS entry at part. ARGV instance, sum, lifetime. Records that the node has the body of the entry. */
export const HAVE = new Script(`
  redis.call('SREM', KEYS[3], ARGV[1])
  local entry = redis.call('GET', KEYS[1])
  if entry and string.match(entry, '"sha256":"(%x+)"') == ARGV[2] then
    redis.call('SADD', KEYS[2], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end`)

/** KEYS part. ARGV instance, lifetime. Records that the node follows a download. */
export const PART = new Script(`
  redis.call('SADD', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

/** KEYS at or part. ARGV instance. Records that the node does not have the body any more. */
export const GONE = new Script(`redis.call('SREM', KEYS[1], ARGV[1])`)

/** KEYS entry and at of each purged id. Downloads that began earlier cannot store the entries again. */
export const FENCE = new Script(`${clock}
  for i = 1, #KEYS, 2 do
    redis.call('SET', KEYS[i], generation, 'PX', 60000)
    redis.call('DEL', KEYS[i + 1])
  end`)

/** KEYS log. ARGV JSON of the purge, instance. Returns the id of the record. */
export const RECORD = new Script(`
  return redis.call('XADD', KEYS[1], 'MAXLEN', '~', '100000', '*', 'purged', ARGV[1], 'by', ARGV[2])`)

/** KEYS log. ARGV id of a record. Returns 1 if the record exists. */
export const HAS_RECORD = new Script(`return #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])`)

/** KEYS log. Returns the last record and the oldest one that is left. */
export const LOG_ENDS = new Script(`
  if redis.call('EXISTS', KEYS[1]) == 0 then return { '', '' } end
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  return { last and last[1] or '', first and first[1] or '' }`)

/**
 * KEYS nodes, nodes that have left. ARGV prefix of node keys, instance, JSON about this node, lifetime, and the milliseconds
 * for which nodes remember a missing one. Returns milliseconds, the instances that have left during these, separated by
 * blanks, the previous JSON about this node, then instance, time of the last report and JSON of each node.
 */
export const BEAT = new Script(`
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local before = redis.call('GET', ARGV[1] .. ARGV[2]) or ''
  redis.call('SET', ARGV[1] .. ARGV[2], ARGV[3], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[1], now, ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 604800000)
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[5])
  local out = { string.format('%.0f', now), table.concat(redis.call('ZRANGE', KEYS[2], 0, -1), ' '), before }
  local seen = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for i = 1, #seen, 2 do
    table.insert(out, seen[i])
    table.insert(out, seen[i + 1])
    table.insert(out, redis.call('GET', ARGV[1] .. seen[i]) or '')
  end
  return out`)

/**
 * KEYS nodes, nodes that have left, node. ARGV instance, and the milliseconds for which the other nodes shall know that it
 * has left; 0: another process of the node may still run.
 */
export const LEAVE = new Script(`
  redis.call('ZREM', KEYS[1], ARGV[1])
  if tonumber(ARGV[2]) > 0 then
    redis.call('ZADD', KEYS[2], redis.call('TIME')[1] * 1000, ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
  redis.call('DEL', KEYS[3])`)

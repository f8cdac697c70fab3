-- A hold of some units, as a team would write it: one script, atomic in Redis.
-- KEYS: 1 stock, 2 idempotency key, 3 units of the buyer, 4 number of the last hold, 5 deadlines
-- ARGV: 1 quantity, 2 limit of a buyer, 3 buyer, 4 deadline in milliseconds, 5 seconds for which the key is remembered
-- Answers {1, hold}, or {0, reason}.
local known = redis.call('GET', KEYS[2])
if known then return {1, known} end
local quantity = tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1])) < quantity then return {0, 'sold_out'} end
if tonumber(redis.call('GET', KEYS[3]) or '0') + quantity > tonumber(ARGV[2]) then return {0, 'limit_exceeded'} end
redis.call('DECRBY', KEYS[1], quantity)
redis.call('INCRBY', KEYS[3], quantity)
local hold = redis.call('INCR', KEYS[4])
redis.call('HSET', 'hold:' .. hold, 'buyer', ARGV[3], 'quantity', quantity)
redis.call('ZADD', KEYS[5], ARGV[4], hold)
redis.call('SET', KEYS[2], hold, 'EX', ARGV[5])
return {1, tostring(hold)}

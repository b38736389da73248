<?php
// phpredis as Laravel's cache and rate limiter use it, and PHP's own sessions in Redis, at two nodes. Arguments: host, port, host, port, and the
// database of the cache, if it has one of its own. The last line is "all is well", or an exception says what is not.

const PREFIX = 'laravel_database_laravel_cache:';
/** RedisStore::add() and LuaScripts::releaseLock() of Laravel. */
const ADD = "return redis.call('exists',KEYS[1])<1 and redis.call('setex',KEYS[1],ARGV[2],ARGV[1])";
const RELEASE = <<<'LUA'
if redis.call("get",KEYS[1]) == ARGV[1] then
    return redis.call("del",KEYS[1])
else
    return 0
end
LUA;
const BINARY = "\x00\x01\r\n\$*\x7f\x80\xff";

function same($wanted, $got, string $what): void
{
    if ($wanted !== $got) throw new Exception("$what: ".var_export($got, true).', not '.var_export($wanted, true));
}

/** The calls of Illuminate\Cache\RedisStore and RedisLock, each with what Laravel makes of the answer. */
final class Cache
{
    public function __construct(public readonly Redis $redis)
    {
    }

    public static function open(string $host, string $port, ?string $database = null): self
    {
        $redis = new Redis();
        $redis->connect($host, (int) $port);
        if ($database !== null) same(true, $redis->select((int) $database), 'select');
        $redis->setOption(Redis::OPT_PREFIX, PREFIX);

        return new self($redis);
    }

    private static function serialize($value)
    {
        return is_numeric($value) && !in_array($value, [INF, -INF]) && !is_nan((float) $value) ? $value : serialize($value);
    }

    private static function unserialize($value)
    {
        return $value === false ? null : (is_numeric($value) ? $value : unserialize($value));
    }

    public function get($key)
    {
        return self::unserialize($this->redis->get($key));
    }

    public function many(array $keys): array
    {
        return array_combine($keys, array_map([self::class, 'unserialize'], $this->redis->mget($keys)));
    }

    public function put($key, $value, int $seconds): bool
    {
        return (bool) $this->redis->setex($key, max(1, $seconds), self::serialize($value));
    }

    public function putMany(array $values, int $seconds): array
    {
        $this->redis->multi();
        foreach ($values as $key => $value) $this->put($key, $value, $seconds);

        return $this->redis->exec();
    }

    public function script(string $script, string $key, ...$arguments)
    {
        $this->redis->clearLastError();
        $answer = $this->redis->eval($script, [$key, ...$arguments], 1);
        if ($error = $this->redis->getLastError()) throw new Exception($error);

        return $answer;
    }

    public function add($key, $value, int $seconds): bool
    {
        return (bool) $this->script(ADD, $key, self::serialize($value), max(1, $seconds));
    }

    public function lock(string $name, string $owner, int $seconds): bool
    {
        return $this->redis->set($name, $owner, ['EX' => $seconds, 'NX']) === true;
    }

    public function release(string $name, string $owner): bool
    {
        return (bool) $this->script(RELEASE, $name, $owner);
    }

    /** RateLimiter::hit(). */
    public function hit(string $key, int $seconds): int
    {
        $this->add("$key:timer", time() + $seconds, $seconds);
        $isAdded = $this->add($key, 0, $seconds);
        $hits = $this->redis->incrby($key, 1);
        if (!$isAdded && $hits === 1) $this->put($key, 1, $seconds);

        return $hits;
    }
}

function values(Cache $here, Cache $there): void
{
    foreach (['text', 'wéather 🌍', '', BINARY, [1, ['a' => null]], true, str_repeat('x', 100_000)] as $n => $value) {
        same(true, $here->put("value:$n", $value, 100), 'put');
        same($value, $there->get("value:$n"), "value $n at the other node");
    }
    same('5', (string) ($there->put('number', 5, 100) ? $here->get('number') : ''), 'a number');
    same(null, $there->get('none'), 'no key');
    same(true, (bool) $there->redis->set('forever', serialize('kept')), 'forever');
    same(-1, $here->redis->ttl('forever'), 'no expiry');
    same(['value:0' => 'text', 'none' => null, 'forever' => 'kept'], $here->many(['value:0', 'none', 'forever']), 'many');
    same(1, $here->redis->del('value:0'), 'forget');
    same(0, $there->redis->del('value:0'), 'forget again');
    same([true, true, true], $here->putMany(['m:1' => 'one', 'm:2' => 2, 'm:3' => BINARY], 100), 'putMany');
    same(['m:1' => 'one', 'm:2' => '2', 'm:3' => BINARY], $there->many(['m:1', 'm:2', 'm:3']), 'putMany at the other node');
    same(true, in_array($there->redis->ttl('m:3'), [99, 100], true), 'the expiry of putMany');
    $pipeline = $there->redis->pipeline()->setex('p', 100, 'one')->get('p')->get('none')->incrby('pn', 3);
    same([true, 'one', false, 3], $pipeline->exec(), 'a pipeline');
}

function counting(Cache $here, Cache $there): void
{
    $here->put('count', 5, 100);
    same(6, $there->redis->incrby('count', 1), 'increment');
    same(4, $here->redis->decrby('count', 2), 'decrement');
    same('4', $there->get('count'), 'what was counted');
    same(true, $there->redis->ttl('count') > 95, 'the expiry stays');
    for ($hit = 1; $hit <= 20; ++$hit) same($hit, ($hit % 2 ? $here : $there)->hit('limit', 100), 'hit');
    same(true, (int) $there->get('limit:timer') > time() + 90, 'the timer');
}

function addingAndLocks(Cache $here, Cache $there): void
{
    for ($n = 0; $n < 50; ++$n) {
        [$first, $second] = $n % 2 ? [$here, $there] : [$there, $here];
        same(true, $first->add("add:$n", "first $n", 100), 'add');
        same(false, $second->add("add:$n", 'other', 200), 'add again');
        same("first $n", $second->get("add:$n"), 'what was added');
        same(true, $first->lock("lock:$n", 'me', 100), 'lock');
        same(false, $second->lock("lock:$n", 'you', 100), 'lock again');
        same(false, $second->release("lock:$n", 'you'), 'release by another');
        same(true, $second->release("lock:$n", 'me'), 'release');
        same(true, $second->lock("lock:$n", 'you', 100), 'lock after the release');
    }
    same(true, $here->redis->ttl('add:1') <= 100, 'the expiry of what was added');
}

/** A request of PHP whose session is kept at this node: what `$body` makes of the session. */
function request(string $address, string $id, callable $body)
{
    ini_set('session.save_path', "tcp://$address?prefix=sess:");
    session_id($id);
    session_start();
    $answer = $body();
    if (session_status() === PHP_SESSION_ACTIVE) session_write_close();
    $_SESSION = [];

    return $answer;
}

function sessions(string $here, string $there, Redis $redis, bool $locks): void
{
    ini_set('redis.session.locking_enabled', $locks ? '1' : '0');
    $visit = function () {
        $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;

        return [$_SESSION['n'], $_SESSION['user']];
    };
    for ($n = 0; $n < 20; ++$n) {
        $id = ($locks ? 'locked' : 'free').$n;
        $isLocked = request($here, $id, function () use ($n, $id, $redis) {
            $_SESSION['user'] = "u$n";

            return $redis->rawCommand('EXISTS', "sess:{$id}_LOCK");
        });
        same($locks ? 1 : 0, $isLocked, 'the lock of the session');
        for ($visits = 1; $visits <= 4; ++$visits) same([$visits, "u$n"], request($visits % 2 ? $there : $here, $id, $visit), 'a visit');
        same(1, $redis->rawCommand('EXISTS', "sess:$id", "sess:{$id}_LOCK"), 'the session and no lock');
        same(true, $redis->rawCommand('TTL', "sess:$id") > 1000, 'the expiry of the session');
        request($there, $id, fn () => session_destroy());
        same([], request($here, $id, fn () => $_SESSION), 'the session after its end');
    }
}

function emptied(Cache $here, Cache $there): void
{
    same(true, $there->redis->flushDB(), 'flushdb');
    same(0, $here->redis->dbSize(), 'keys after flushdb');
    same(null, $here->get('forever'), 'what was kept');
    same(true, $here->add('forever', 'new', 100), 'add after flushdb');
    same('new', $there->get('forever'), 'what was added after flushdb');
}

[, $host, $port, $otherHost, $otherPort] = $argv;
$database = $argv[5] ?? null;
$settings = ['save_handler' => 'redis', 'use_cookies' => '0', 'use_only_cookies' => '0', 'cache_limiter' => '', 'use_strict_mode' => '0'];
foreach ($settings as $key => $value) ini_set("session.$key", $value);
ob_start(); // so that sessions may begin though something has been printed
$caches = [Cache::open($host, $port, $database), Cache::open($otherHost, $otherPort, $database)];
values(...$caches);
counting(...$caches);
addingAndLocks(...$caches);
foreach ([false, true] as $locks) sessions("$host:$port", "$otherHost:$otherPort", Cache::open($otherHost, $otherPort)->redis, $locks);
emptied(...$caches);
echo "all is well\n";

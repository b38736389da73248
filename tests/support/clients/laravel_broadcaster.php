<?php
// Broadcasts as Laravel's RedisBroadcaster does: a script that publishes to all channels, by phpredis or Predis with the prefix of the
// connection. Arguments: library, host, port, user, password, prefix, and the broadcast as JSON {"channels", "event", "payload"}.
[, $library, $host, $port, $user, $password, $prefix, $json] = $argv;
['channels' => $channels, 'event' => $event, 'payload' => $data] = json_decode($json, true);

const SCRIPT = <<<'LUA'
for i = 2, #ARGV do
  redis.call('publish', ARGV[i], ARGV[1])
end
LUA;

$payload = json_encode(['event' => $event, 'data' => $data, 'socket' => $data['socket'] ?? null]);
$names = array_map(fn ($channel) => $prefix.$channel, $channels);
if ($library === 'phpredis') {
    $redis = new Redis();
    $redis->connect($host, (int) $port);
    $redis->auth([$user, $password]);
    $redis->setOption(Redis::OPT_PREFIX, $prefix);
    $redis->eval(SCRIPT, [$payload, ...$names], 0);
    if ($error = $redis->getLastError()) exit("$error\n");
    $redis->publish($channels[0], $payload); // what the connection itself prefixes
} else {
    require 'Predis/autoload.php';
    $redis = new Predis\Client(['host' => $host, 'port' => $port, 'password' => $password], ['prefix' => $prefix]);
    $redis->eval(SCRIPT, 0, $payload, ...$names);
    $redis->publish($channels[0], $payload);
}
echo "done\n";

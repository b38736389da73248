// Caches and sessions of Django and Laravel at two nodes: Django's own cache and django-redis with redis-py, and phpredis.
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { PYTHON, clientProgram, endsWell, isAbsent } from '../support/js/python.mjs';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { missing, python } from '../support/js/sdks.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const STORE = { args: ['--redis-store-bytes', String(64 << 20)] };
const PHP = '/usr/bin/php';
const OWN = 'django.core.cache.backends.redis.RedisCache';
const CHECKS = ['values', 'add', 'add_at_once', 'timeouts', 'many', 'written_and_read', 'sessions', 'clear'];
const COUNTING = ['incr', 'incr_at_once'];

const django = (program, backend, checks) => withRedisNodes(2, STORE, ([n1, n2]) =>
  endsWell(program, ['-W', 'ignore', clientProgram('django_cache.py'), backend, checks.join(), n1.url, n2.url]));

describe('Django', () => {
  const noOwn = isAbsent('redis, django.core.cache.backends.redis', 'python3-redis, python3-django of Debian 13');
  test('its own cache, as Debian packages it', { skip: noOwn }, () => django(PYTHON, OWN, [...CHECKS, ...COUNTING]));

  const noRegistry = FULL ? missing('python') : 'it is part of --full: what it needs comes from the registry';
  test('its own cache', { skip: noRegistry }, async () =>
    django(await python('django', 'python/django_requirements.txt'), OWN, [...CHECKS, ...COUNTING]));

  const noDjangoRedis = isAbsent('django_redis', 'python3-django-redis');
  test('django-redis', { skip: noDjangoRedis }, () => django(PYTHON, 'django_redis.cache.RedisCache', [...CHECKS, 'django_redis']));
  test('django-redis counts at two nodes', { skip: noDjangoRedis }, () => django(PYTHON, 'django_redis.cache.RedisCache', COUNTING));
});

const noPhpRedis = spawnSync(PHP, ['-r', 'exit(class_exists("Redis") ? 0 : 1);'], { stdio: 'ignore' }).status !== 0;
test('phpredis: the cache, locks and limiter of Laravel, and sessions of PHP', { skip: noPhpRedis && 'PHP or php-redis is not installed' }, () =>
  withRedisNodes(2, STORE, ([n1, n2]) => endsWell(PHP, [clientProgram('laravel_cache.php'), n1.host, String(n1.port), n2.host, String(n2.port)])));

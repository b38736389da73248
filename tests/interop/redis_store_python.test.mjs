// Caches and sessions of Django and Laravel at two nodes: Django's own cache and django-redis with redis-py, and phpredis.
import { describe, test } from 'node:test';
import { DJANGOS, DJANGO_REDIS } from '../support/js/django.mjs';
import { PHP, noPhpRedis } from '../support/js/php.mjs';
import { clientProgram, endsWell } from '../support/js/python.mjs';
import { STORE, withRedisNodes } from '../support/js/redis_edge.mjs';

const CHECKS = ['values', 'add', 'add_at_once', 'timeouts', 'many', 'written_and_read', 'sessions', 'clear', 'incr', 'incr_at_once'];

describe('Django', () => {
  for (const { name, backend, program, skip } of DJANGOS) {
    const checks = backend === DJANGO_REDIS ? [...CHECKS, 'django_redis'] : CHECKS;
    test(name, { skip }, async () => {
      const python = await program('django');
      await withRedisNodes(2, STORE, ([n1, n2]) =>
        endsWell(python, ['-W', 'ignore', clientProgram('django_cache.py'), backend, checks.join(), n1.url, n2.url]));
    });
  }
});

test('phpredis: the cache, locks and limiter of Laravel, and sessions of PHP', { skip: noPhpRedis }, () =>
  withRedisNodes(2, STORE, ([n1, n2]) => endsWell(PHP, [clientProgram('laravel_cache.php'), n1.host, String(n1.port), n2.host, String(n2.port)])));

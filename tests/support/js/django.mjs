// The Djangos whose caches are tested: Debian's, of which that of Debian 12 has no cache in Redis of its own, and one from the registry.
import { PYTHON, isAbsent } from './python.mjs';
import { missing, python } from './sdks.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
export const OWN_CACHE = 'django.core.cache.backends.redis.RedisCache';
export const DJANGO_REDIS = 'django_redis.cache.RedisCache';

/** `skip`: why it is left out. `program(name)`: the path of its Python; `name`: the folder of one that is made for it. */
export const DJANGOS = [
  {
    name: 'its own cache, as Debian packages it', backend: OWN_CACHE, program: () => PYTHON,
    skip: isAbsent('redis, django.core.cache.backends.redis', 'python3-redis, python3-django of Debian 13'),
  },
  {
    name: 'its own cache', backend: OWN_CACHE, program: (name) => python(name, 'python/django_requirements.txt'),
    skip: FULL ? missing('python') : 'it is part of --full: what it needs comes from the registry',
  },
  { name: 'django-redis', backend: DJANGO_REDIS, program: () => PYTHON, skip: isAbsent('django_redis', 'python3-django-redis') },
];

// Programs in PHP among the clients, run by Debian's PHP with phpredis.
import { spawnSync } from 'node:child_process';

export const PHP = '/usr/bin/php';
/** Why tests with phpredis are left out; false when they are not. */
export const noPhpRedis = spawnSync(PHP, ['-r', 'exit(class_exists("Redis") ? 0 : 1);'], { stdio: 'ignore' }).status !== 0
  && 'PHP or php-redis is not installed';

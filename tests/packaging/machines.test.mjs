// The package where it is meant to be: installed by apt in a Debian without systemd, as the container has it, and in one that systemd has
// booted. Both are name spaces of the kernel (debian_machine); part of --full, as a Debian takes a minute to make.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROJECT, Program, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const DEBIAN_MACHINE = fileURLToPath(new URL('debian_machine', import.meta.url));
const PACKAGES = path.join(PROJECT, 'build/packages');
const WORK = path.join(PROJECT, 'build/debian');
const BASE = path.join(WORK, 'base');
/** Of apt, which fetches and installs. */
const INSTALL = { ms: 300_000 };
const COMMAND = { ms: 60_000 };
const NODE_TOML = '/etc/tulle/node.toml';

const isLeftOut = (process.env.TULLE_TEST_FULL !== '1' && 'part of --full') || (process.getuid() !== 0 && 'needs root')
  || (!existsSync('/usr/bin/mmdebstrap') && 'there is no /usr/bin/mmdebstrap');

async function succeeds(...args) {
  const options = typeof args.at(-1) === 'object' ? args.pop() : COMMAND;
  const { code, stdout, stderr } = await run(DEBIAN_MACHINE, args, options);
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** The commands from the package to three nodes on one machine, as README.md has them. */
async function documented() {
  const text = await fs.readFile(path.join(PROJECT, 'README.md'), 'utf8');
  const block = /\n\n((?: {4}.*\n)+)/.exec(text.slice(text.indexOf('## Install it')))[1];
  return block.trim().split(/\n */);
}

/** A Debian of its own, in which apt has installed others and, by the first command of the document, the package. */
async function installed(name, others) {
  const layer = path.join(WORK, name);
  await fs.rm(layer, { recursive: true, force: true });
  await fs.mkdir(path.join(layer, 'upper/packages'), { recursive: true });
  const [deb] = (await fs.readdir(PACKAGES)).filter((file) => file.endsWith('.deb'));
  await fs.copyFile(path.join(PACKAGES, deb), path.join(layer, 'upper/packages', deb));
  const [install] = await documented();
  const before = `apt-get update -qq && apt-get install --yes -qq --no-install-recommends ${others.join(' ')}`;
  await succeeds('run', BASE, layer, 'sh', '-c', before, INSTALL);
  const began = performance.now();
  await succeeds('run', BASE, layer, 'sh', '-ec', `cd /packages; ${install}`, INSTALL);
  return { layer, seconds: (performance.now() - began) / 1000 };
}

before(async () => {
  if (isLeftOut) return;
  const { code, stdout, stderr } = await run(path.join(PROJECT, 'tools/package'), [], { ms: 1_800_000 });
  assert.equal(code, 0, stdout + stderr);
  await fs.mkdir(WORK, { recursive: true });
  await succeeds('base', BASE, { ms: 600_000 });
});

describe('a Debian without systemd, as in the container', { skip: isLeftOut }, () => {
  let layer;
  let dockerfile;
  before(async () => {
    dockerfile = await fs.readFile(path.join(PROJECT, 'tools/packaging/Dockerfile'), 'utf8');
    ({ layer } = await installed('container', ['ca-certificates']));
  });
  after(() => fs.rm(layer, { recursive: true, force: true }));
  const alone = (script, ...options) => succeeds('run', BASE, layer, '--alone', ...options, 'bash', '-ec', script);

  test('the package brings its libraries, a user and no systemd', async () => {
    assert.equal(await alone(`stat -c '%U:%G %a' /etc/tulle ${NODE_TOML}`), 'root:tulle 2750\nroot:tulle 640\n');
    assert.match(await alone('id tulle'), /^uid=\d+\(tulle\) gid=\d+\(tulle\) groups=\d+\(tulle\)$/m);
    await alone('! test -e /usr/bin/systemctl');
  });

  /** Starts a node, asks it by the health check of the container, and stops it. */
  const lives = (user, args) => {
    const check = JSON.parse(/^HEALTHCHECK .*CMD (\[.*\])$/m.exec(dockerfile)[1]).join(' ');
    return `setpriv ${user} --inh-caps=-all tulled ${args} >&2 & node=$!
      tulle status --expect 1 --wait 20 && ${check} >&2
      kill -TERM $node
      wait $node`;
  };

  test('the node runs as the user tulle with the sample configuration', async () => {
    assert.match(await alone(lives('--reuid=tulle --regid=tulle --init-groups', `--config ${NODE_TOML}`)), /alive +127\.0\.0\.1:7001 /);
  });

  test('the node runs as the user of the container, with a root that nobody can write', async () => {
    const user = /^USER (\d+):(\d+)$/m.exec(dockerfile);
    assert.deepEqual(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)[1]), ['tulled']);
    const numbers = `--reuid=${user[1]} --regid=${user[2]} --clear-groups`;
    assert.match(await alone(lives(numbers, '--listen 127.0.0.1:6001'), '--read-only'), /alive +127\.0\.0\.1:7001 /);
  });

  test('three pods by the manifests\' configuration find each other by one name, and the hook before the end drains one', async () => {
    const manifests = '/usr/share/doc/tulle/examples/kubernetes';
    await alone(`mkdir -p /run/secrets/tulle && cd /run/secrets/tulle
      tulle keygen -o mesh.key >&2
      printf 'a-secret-of-this-test\\n' > app.secret
      printf 'ops operate %s\\n' a-token-of-this-test > admin.tokens
      chgrp 65532 * && chmod 0440 *
      for n in 1 2 3; do echo "127.0.0.1$n tulle-mesh"; done >> /etc/hosts`);
    const manifest = await alone(`cat ${manifests}/base/statefulset.yaml`);
    const hook = JSON.parse(/preStop:\s+exec:\s+command: (\[.*\])/.exec(manifest)[1]).join(' ');
    // What a pod has an address of its own for is here an address of the loopback.
    const said = await alone(`
      for n in 1 2 3; do
        ip=127.0.0.1$n
        TULLE_NAME=tulle-$n TULLE_ADVERTISE=$ip TULLE_LISTEN=$ip:6001 TULLE_MESH=$ip:7001 TULLE_MESH_DATA=$ip:7002 TULLE_ADMIN=$ip:9601 \\
          TULLE_ADMIN_TOKEN_FILE=/run/secrets/tulle/admin.tokens setpriv --reuid=65532 --regid=65532 --clear-groups --inh-caps=-all \\
          tulled --config ${manifests}/base/node.toml >&2 &
        pids[$n]=$!
      done
      export TULLE_ADMIN=127.0.0.12:9601 TULLE_ADMIN_TOKEN_FILE=/run/secrets/tulle/admin.tokens
      tulle status --expect 3 --wait 20 >&2
      tulle keys --expect 3 --wait 20
      tulle doctor --expect 3
      ${hook}
      kill -TERM \${pids[2]} && wait \${pids[2]}
      TULLE_ADMIN=127.0.0.11:9601 tulle status --json
      kill -TERM \${pids[1]} \${pids[3]} && wait \${pids[1]} && wait \${pids[3]}`, '--read-only');
    assert.match(said, /^healthy: 3 nodes/m);
    const { self, members } = JSON.parse(said.slice(said.lastIndexOf('\n{') + 1));
    assert.equal(self.name, 'tulle-1');
    assert.deepEqual(members.filter(({ state }) => state === 'alive').map(({ name }) => name), ['tulle-3']);
  });

  test('the package goes, and its configuration when it is purged', async () => {
    await alone(`apt-get remove --yes -qq tulle; test -e ${NODE_TOML}; ! test -e /usr/bin/tulled`);
    await alone('apt-get purge --yes -qq tulle; ! test -e /etc/tulle');
  });
});

describe('a Debian that systemd has booted', { skip: isLeftOut }, () => {
  let layer;
  let machine;
  let seconds;
  before(async () => {
    ({ layer, seconds } = await installed('machine', ['systemd', 'systemd-sysv']));
    machine = new Program(DEBIAN_MACHINE, ['boot', BASE, layer]);
    await waitFor('systemd to have booted', async () => /running/.test(await inside('systemctl is-system-running')), { ms: 60_000, every: 200 });
  });
  after(async () => {
    machine?.kill('SIGKILL');
    await machine?.ended;
    await fs.rm(layer, { recursive: true, force: true });
  });
  const inside = (script) => succeeds('enter', `${machine.pid}`, 'bash', '-ec', script);
  const fails = async (script) => {
    const { code, stdout, stderr } = await run(DEBIAN_MACHINE, ['enter', `${machine.pid}`, 'bash', '-ec', script], COMMAND);
    assert.notEqual(code, 0, stdout + stderr);
    return stdout + stderr;
  };
  const property = async (name) => (await inside(`systemctl show --property=${name} --value tulled`)).trim();
  const ofNode = async (name) => inside(`cat /proc/${await property('MainPID')}/${name}`);
  const configure = (text) => inside(`cat > ${NODE_TOML} <<'END'\n${text}\nEND`);

  test('the service is enabled, and ready once it has started', async () => {
    assert.equal((await inside('systemctl is-enabled tulled')).trim(), 'enabled');
    await inside('systemctl start tulled');
    assert.match(await inside('tulle status --expect 1'), /alive +127\.0\.0\.1:7001 /);
  });

  test('the documented commands bring up three closed nodes, in five minutes at most', async (t) => {
    const [, ...commands] = await documented();
    assert.ok(commands.length < 10, `${commands.length + 1} commands`);
    const began = performance.now();
    const said = await inside(`exec 2>&1; cd /root\n${commands.join('\n')}\nkill $(jobs -p); wait`);
    const all = seconds + (performance.now() - began) / 1000;
    t.diagnostic(`${commands.length + 1} commands, ${all.toFixed(1)} s, of which apt took ${seconds.toFixed(1)}`);
    assert.match(said, /^healthy: 3 nodes/m);
    assert.ok(all < 300, `${all} s`);
    await inside(`rm /etc/tulle/mesh.key; printf '' > ${NODE_TOML}; systemctl restart tulled`);
  });

  test('the node has no rights, and writes by io_uring all the same', async () => {
    const status = await ofNode('status');
    for (const [name, value] of [['CapEff', '0+'], ['CapBnd', '0+'], ['NoNewPrivs', '1'], ['Seccomp', '2']]) {
      assert.match(status, new RegExp(`^${name}:\\s+${value}$`, 'm'));
    }
    assert.equal((await inside(`stat -c %U /proc/${await property('MainPID')}`)).trim(), 'tulle');
    if ((await inside('cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0')).trim() === '0') {
      assert.match(await inside(`ls -l /proc/${await property('MainPID')}/fd`), /io_uring/);
    }
    assert.doesNotMatch(await inside('journalctl --no-pager --unit tulled'), /not permitted|denied/i);
  });

  test('a key made by root is the group\'s, and a wrong configuration fails the reload and changes nothing', async () => {
    await inside('tulle keygen -o /etc/tulle/mesh.key && chmod 0640 /etc/tulle/mesh.key');
    assert.equal((await inside('stat -c %G /etc/tulle/mesh.key')).trim(), 'tulle');
    await configure('mesh_keys = ["mesh.key"]');
    await inside('systemctl restart tulled');
    await inside('tulle keys --expect 1 --wait 20');
    await inside('systemctl reload tulled');
    const before = await property('MainPID');
    await configure('mesh_keys = ["none.key"]');
    await fails('systemctl reload tulled');
    await inside('tulle status --expect 1');
    assert.equal(await property('MainPID'), before);
    await configure('admin = "unix:/run/tulle/admin.sock"');
    await inside('systemctl restart tulled && systemctl reload tulled && tulle status --admin unix:/run/tulle/admin.sock --expect 1');
  });

  test('a low port is the node\'s with the drop-in of the examples alone', async () => {
    await configure('listen = "127.0.0.1:443"');
    await fails('systemctl restart tulled');
    await inside(`mkdir -p /etc/systemd/system/tulled.service.d
      cp /usr/share/doc/tulle/examples/privileged-ports.conf /etc/systemd/system/tulled.service.d/
      systemctl daemon-reload && systemctl restart tulled`);
    assert.match(await inside('tulle status --expect 1'), / 127\.0\.0\.1:443 /);
  });

  test('a killed node comes back, and a stopped one ends in order and stays away', async () => {
    const before = await property('MainPID');
    await inside('systemctl kill --signal=KILL --kill-whom=main tulled');
    await waitFor('a new process', async () => {
      await inside('tulle status --expect 1');
      return await property('MainPID') !== before;
    }, { ms: 60_000, every: 200 });
    await inside('systemctl stop tulled');
    assert.deepEqual([await property('ActiveState'), await property('Result'), await property('ExecMainStatus')], ['inactive', 'success', '0']);
  });

  test('an upgrade restarts the node and keeps its configuration; a removal stops it', async () => {
    await inside('systemctl start tulled');
    const before = await property('MainPID');
    await inside('dpkg --install /packages/tulle_*.deb');
    assert.notEqual(await property('MainPID'), before);
    assert.match(await inside('tulle status --expect 1'), / 127\.0\.0\.1:443 /);
    await inside('dpkg --remove tulle');
    assert.equal(await property('MainPID'), '0');
    await inside(`dpkg --purge tulle; ! test -e ${NODE_TOML}`);
  });
});

// What tools/package makes: the Debian package, the tarball, the service, the sample configuration and the manual pages.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CERTIFICATE, KEY } from '../support/js/certificate.mjs';
import { PROJECT, run } from '../support/js/process.mjs';
import { drainSeconds } from './drain_seconds.mjs';

const FULL = process.env.TULLE_TEST_FULL === '1';
const PACKAGES = path.join(PROJECT, 'build/packages');
/** Its build does nothing after that of tools/test; elsewhere it may have to build the programs. */
const PACKAGE_MS = 1_800_000;
const MS = { ms: 60_000 };

const [LINTIAN, MANDOC, SYSTEMD_ANALYZE] = ['lintian', 'mandoc', 'systemd-analyze'].map((name) => `/usr/bin/${name}`);
const isAbsent = (program) => !existsSync(program) && `there is no ${program}`;

async function succeeds(program, args, options = MS) {
  const { code, stdout, stderr } = await run(program, args, options);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout + stderr;
}

let directory;
let root; // the files of the Debian package
let control; // its control files
let tree; // those of the tarball
let version;
let deb;

async function make() {
  await succeeds(path.join(PROJECT, 'tools/package'), [], { ms: PACKAGE_MS });
  return (await fs.readdir(PACKAGES)).sort();
}

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-packages-'));
  version = /project\(tulle VERSION (\S+)/.exec(await fs.readFile(path.join(PROJECT, 'CMakeLists.txt'), 'utf8'))[1];
  const machine = { x64: ['amd64', 'x86_64'], arm64: ['arm64', 'aarch64'] }[process.arch];
  const names = [`tulle-${version}-linux-${machine[1]}.tar.gz`, `tulle_${version}-1_${machine[0]}.deb`];
  assert.deepEqual(await make(), names);
  deb = path.join(PACKAGES, names[1]);
  [root, control] = ['root', 'control'].map((name) => path.join(directory, name));
  await succeeds('/usr/bin/dpkg-deb', ['--extract', deb, root]);
  await succeeds('/usr/bin/dpkg-deb', ['--control', deb, control]);
  await succeeds('/usr/bin/tar', ['-xzf', path.join(PACKAGES, names[0]), '-C', directory]);
  tree = path.join(directory, names[0].replace('.tar.gz', ''));
});
after(() => fs.rm(directory, { recursive: true, force: true }));

const inRoot = (name) => path.join(root, name);
const unit = () => inRoot('lib/systemd/system/tulled.service');
const page = async (name) => succeeds('/usr/bin/zcat', [inRoot(`usr/share/man/man1/${name}.1.gz`)]);

describe('the Debian package', () => {
  test('holds programs, service, configuration, pages and examples, and nothing else', async () => {
    const files = (await succeeds('/usr/bin/find', [root, '-type', 'f', '-printf', '%P %m\n'])).trim().split('\n').sort();
    const examples = 'usr/share/doc/tulle/examples/';
    const shown = files.filter((file) => !file.startsWith(`${examples}kubernetes/`));
    assert.deepEqual(shown, [
      'etc/tulle/node.toml 644', 'lib/systemd/system/tulled.service 644', 'usr/bin/tulle 755', 'usr/bin/tulled 755',
      'usr/lib/sysusers.d/tulle.conf 644', 'usr/share/bash-completion/completions/tulle 644',
      ...['changelog.Debian.gz', 'changelog.gz', 'copyright'].map((name) => `usr/share/doc/tulle/${name} 644`),
      ...['haproxy-passthrough.cfg', 'haproxy.cfg', 'nginx.conf', 'privileged-ports.conf',
        'prometheus/prometheus.yml', 'prometheus/tulle.dashboard.json', 'prometheus/tulle.rules.yml'].map((name) => `${examples}${name} 644`),
      'usr/share/fish/vendor_completions.d/tulle.fish 644', 'usr/share/lintian/overrides/tulle 644',
      'usr/share/man/man1/tulle.1.gz 644', 'usr/share/man/man1/tulled.1.gz 644', 'usr/share/zsh/vendor-completions/_tulle 644',
    ]);
    assert.ok(files.includes(`${examples}kubernetes/base/statefulset.yaml 644`));
    assert.equal(await fs.readFile(path.join(control, 'conffiles'), 'utf8'), '/etc/tulle/node.toml\n');
  });

  test('has the completions that the program writes', async () => {
    const names = { bash: 'bash-completion/completions/tulle', zsh: 'zsh/vendor-completions/_tulle', fish: 'fish/vendor_completions.d/tulle.fish' };
    for (const [shell, name] of Object.entries(names)) {
      const written = await run('tulle', ['completion', shell]);
      const packed = await fs.readFile(inRoot(`usr/share/${name}`), 'utf8').catch(() => '');
      assert.equal(packed, written.code === 0 ? written.stdout : '', shell);
    }
  });

  test('its version is that of the programs, of CMakeLists.txt and of the changelog', async () => {
    const field = async (name) => (await succeeds('/usr/bin/dpkg-deb', ['--field', deb, name])).trim();
    assert.equal(await field('Version'), `${version}-1`);
    for (const name of ['tulled', 'tulle']) assert.match(await succeeds(inRoot(`usr/bin/${name}`), ['--version']), new RegExp(` ${version}$`, 'm'));
    assert.match(await succeeds('/usr/bin/zcat', [inRoot('usr/share/doc/tulle/changelog.Debian.gz')]), new RegExp(`^tulle \\(${version}-1\\) `));
  });

  test('depends on the libraries that the programs name, on who makes the user, and on nothing for development', async () => {
    const depends = (await succeeds('/usr/bin/dpkg-deb', ['--field', deb, 'Depends'])).trim().split(', ').map((one) => one.replace(/ \(.*/, ''));
    for (const name of ['libzmq5', 'libprotobuf32', 'libboost-json1.81.0', 'systemd-standalone-sysusers | systemd-sysusers']) {
      assert.ok(depends.includes(name), `${name} in ${depends}`);
    }
    assert.ok(depends.every((name) => !name.endsWith('-dev')), `${depends}`);
  });

  test('lintian has no complaint', { skip: (!FULL && 'part of --full') || isAbsent(LINTIAN) }, async () => {
    const said = await succeeds(LINTIAN, ['--allow-root', '--fail-on', 'error,warning', deb]);
    assert.equal(said.trim(), '');
  });

  test('what is packed twice is the same', { skip: !FULL && 'part of --full' }, async () => {
    const first = await fs.readFile(deb);
    await make();
    assert.ok(first.equals(await fs.readFile(deb)), 'the package differs');
  });
});

describe('the service', () => {
  test('systemd finds nothing wrong with the unit', { skip: isAbsent(SYSTEMD_ANALYZE) }, async () => {
    const at = path.join(directory, 'tulled.service');
    await fs.writeFile(at, (await fs.readFile(unit(), 'utf8')).replaceAll('/usr/bin/tulled', inRoot('usr/bin/tulled')));
    assert.equal((await succeeds(SYSTEMD_ANALYZE, ['verify', '--man=no', '--recursive-errors=no', at])).trim(), '');
  });

  test('its sandbox leaves an exposure of 2.0 at most', { skip: isAbsent(SYSTEMD_ANALYZE) }, async () => {
    await succeeds(SYSTEMD_ANALYZE, ['security', '--offline=true', '--threshold=20', unit()]);
    const open = path.join(directory, 'open.service');
    await fs.writeFile(open, (await fs.readFile(unit(), 'utf8')).replace(/^(Protect|Private|Restrict|System).*$/gm, ''));
    assert.equal((await run(SYSTEMD_ANALYZE, ['security', '--offline=true', '--threshold=20', open], MS)).code, 1, 'an open unit is told apart');
  });

  test('a stop has the time of a drain, and a start checks the configuration first', async () => {
    const text = await fs.readFile(unit(), 'utf8');
    const setting = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1];
    assert.ok(Number(/^(\d+)s$/.exec(setting('TimeoutStopSec'))[1]) > await drainSeconds());
    assert.equal(setting('ExecStartPre'), '/usr/bin/tulled --config /etc/tulle/node.toml --check-config');
    assert.equal(setting('ExecStart'), '/usr/bin/tulled --config /etc/tulle/node.toml');
    assert.deepEqual([setting('Type'), setting('User'), setting('KillMode')], ['notify', 'tulle', 'mixed']);
  });
});

describe('the sample configuration', () => {
  test('is good as it is', async () => {
    assert.match(await succeeds('tulled', ['--config', inRoot('etc/tulle/node.toml'), '--check-config']), /configuration is good/);
  });

  test('is good with each of its lines in force', async () => {
    const at = path.join(directory, 'etc');
    await fs.mkdir(path.join(at, 'tls'), { recursive: true });
    await fs.mkdir(path.join(at, 'apps'));
    const secret = { mode: 0o600 };
    await fs.writeFile(path.join(at, 'tls/fullchain.pem'), CERTIFICATE);
    await fs.writeFile(path.join(at, 'tls/privkey.pem'), KEY, secret);
    await fs.writeFile(path.join(at, 'app.secret'), 'a-secret-of-this-test\n', secret);
    await succeeds('tulle', ['keygen', '-o', path.join(at, 'mesh.key')]);
    const sample = await fs.readFile(inRoot('etc/tulle/node.toml'), 'utf8');
    const lines = sample.split('\n').filter((line) => /^#(\[\[)?[a-z_]+( *=|\]\]$)/.test(line)).map((line) => line.slice(1));
    assert.ok(lines.length > 15, `${lines.length} lines`);
    for (const admin of ['127.0.0.1:9601', `unix:${at}/admin.sock`]) {
      const text = lines.filter((line) => !line.startsWith('admin =')).join('\n')
        .replaceAll('10.0.0.1:', '127.0.0.1:').replaceAll('0.0.0.0:', '127.0.0.1:');
      await fs.writeFile(path.join(at, 'node.toml'), `admin = "${admin}"\n${text}\n`);
      assert.match(await succeeds('tulled', ['--config', path.join(at, 'node.toml'), '--check-config']), /configuration is good/);
    }
  });
});

describe('the manual pages', () => {
  test('name every option and every command', async () => {
    const words = async (name, args) => {
      const help = await succeeds(name, [...args, '--help']);
      return help.split('\n').filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim().split(/[ ,]/)[0]);
    };
    const escaped = (text) => text.replaceAll('-', '\\-');
    const [node, tool] = [await page('tulled'), await page('tulle')];
    for (const option of await words('tulled', [])) assert.ok(node.includes(`\\fB${escaped(option)}\\fR`), option);
    const commands = (await words('tulle', [])).filter((word) => !word.startsWith('-'));
    assert.ok(commands.length > 10, `${commands}`);
    for (const command of commands) assert.ok(tool.includes(`\n.SS tulle ${command}\n`), command);
    for (const option of await words('tulle', ['bench', 'fanout'])) {
      if (option !== '-h') assert.ok(tool.includes(`\\fB${escaped(option)}\\fR`), option);
    }
  });

  test('mandoc has no complaint', { skip: isAbsent(MANDOC) }, async () => {
    for (const name of ['tulled', 'tulle']) {
      const file = path.join(directory, `${name}.1`);
      await fs.writeFile(file, await page(name));
      assert.equal((await succeeds(MANDOC, ['-T', 'lint', file])).trim(), '');
    }
  });
});

test('the tarball holds programs that run, the licence, and how to install it with its libraries', async () => {
  for (const name of ['tulled', 'tulle']) assert.match(await succeeds(path.join(tree, 'bin', name), ['--version']), new RegExp(` ${version}$`, 'm'));
  const text = async (name) => fs.readFile(path.join(tree, name), 'utf8');
  assert.equal(await text('LICENSE'), await fs.readFile(path.join(PROJECT, 'LICENSE'), 'utf8'));
  assert.equal(await text('etc/tulle/node.toml'), await fs.readFile(inRoot('etc/tulle/node.toml'), 'utf8'));
  assert.match(await text('lib/systemd/system/tulled.service'), /^ExecStart=\/usr\/local\/bin\/tulled /m);
  for (const named of (await text('INSTALL')).match(/\b(bin|lib|etc)\/[\w./]+/g)) {
    if (!named.startsWith('bin/tulled') && !named.startsWith('etc/sys')) await fs.access(path.join(tree, named));
  }
  const [libraries, command] = (await text('LIBRARIES')).split('apt-get install');
  for (const name of ['tulled', 'tulle']) {
    const needed = (await succeeds('/usr/bin/objdump', ['-p', path.join(tree, 'bin', name)])).match(/NEEDED +\S+/g);
    for (const library of needed.map((line) => line.split(/ +/)[1]).filter((one) => !one.startsWith('ld-linux'))) {
      const holder = new RegExp(`^ +${library.replace(/[.+]/g, '\\$&')} +(\\S+)$`, 'm').exec(libraries)?.[1];
      assert.ok(holder && command.split(/\s+/).includes(holder), `${library}, held by ${holder}`);
    }
  }
});

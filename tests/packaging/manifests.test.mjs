// The manifests for Kubernetes: what they say of ports, probes, stopping and rights, and that the node takes the configuration in them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROJECT, run } from '../support/js/process.mjs';
import { PYTHON, isAbsent } from '../support/js/python.mjs';
import { drainSeconds } from './drain_seconds.mjs';

const KUBERNETES = path.join(PROJECT, 'tools/packaging/kubernetes');
const BASE = path.join(KUBERNETES, 'base');
const READER = fileURLToPath(new URL('manifests.py', import.meta.url));
const RESOURCES = ['statefulset', 'services', 'disruption', 'network', 'scaling'].map((name) => path.join(BASE, `${name}.yaml`));
const KUBECTL = '/usr/bin/kubectl';
const LABELS = { 'app.kubernetes.io/name': 'tulle' };

let directory;
before(async () => { directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-manifests-')); });
after(() => fs.rm(directory, { recursive: true, force: true }));

async function read(...files) {
  const { code, stdout, stderr } = await run(PYTHON, [READER, 'json', ...files]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const one = (documents, kind, name = 'tulle') => {
  const found = documents.filter((document) => document.kind === kind && document.metadata.name === name);
  assert.equal(found.length, 1, `one ${kind} ${name}`);
  return found[0];
};

/** Like the manifests' own node.toml, with files of this test in the place of mounted ones. */
async function configuration() {
  const text = await fs.readFile(path.join(BASE, 'node.toml'), 'utf8');
  await fs.writeFile(path.join(directory, 'app.secret'), 'a-secret-of-this-test\n', { mode: 0o600 });
  const made = await run('tulle', ['keygen', '-o', path.join(directory, 'mesh.key')]);
  assert.equal(made.code, 0, made.stderr);
  const file = path.join(directory, 'node.toml');
  await fs.writeFile(file, text.replaceAll('/run/secrets/tulle', directory));
  return file;
}

describe('the base', { skip: isAbsent('yaml', 'python3-yaml') }, () => {
  let documents;
  let pod;
  let container;
  before(async () => {
    documents = await read(...RESOURCES);
    pod = one(documents, 'StatefulSet').spec.template;
    [container] = pod.spec.containers;
  });

  test('kustomization.yaml names every file', async () => {
    const [kustomization] = await read(path.join(BASE, 'kustomization.yaml'));
    const files = kustomization.configMapGenerator.flatMap((generator) => generator.files);
    const there = (await fs.readdir(BASE)).filter((name) => name !== 'kustomization.yaml');
    assert.deepEqual([...kustomization.resources, ...files].sort(), there.sort());
  });

  test('every selector means the pods, and every port of a Service or policy is one of theirs', () => {
    const { selector } = one(documents, 'StatefulSet').spec;
    assert.deepEqual([selector.matchLabels, pod.metadata.labels], [LABELS, LABELS]);
    const services = documents.filter((document) => document.kind === 'Service');
    services.forEach((service) => assert.deepEqual(service.spec.selector, LABELS));
    for (const kind of ['PodDisruptionBudget', 'NetworkPolicy']) {
      const { spec } = one(documents, kind);
      assert.deepEqual((spec.selector ?? spec.podSelector).matchLabels, LABELS);
    }
    pod.spec.topologySpreadConstraints.forEach((spread) => assert.deepEqual(spread.labelSelector.matchLabels, LABELS));
    assert.ok(pod.spec.topologySpreadConstraints.some((spread) => spread.topologyKey === 'topology.kubernetes.io/zone'));

    const ports = new Map(container.ports.map((port) => [port.name, port.containerPort]));
    assert.deepEqual([...ports], [['clients', 6001], ['mesh', 7001], ['mesh-data', 7002]]);
    for (const { port, targetPort } of services.flatMap((service) => service.spec.ports)) assert.equal(port, ports.get(targetPort));
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
    assert.deepEqual(probes.map(({ httpGet }) => [httpGet.path, httpGet.port]),
      [['/live', 'clients'], ['/live', 'clients'], ['/ready', 'clients']]);
  });

  test('nodes find each other before they are ready, by the name that they are given', async () => {
    const { spec } = one(documents, 'Service', 'tulle-mesh');
    assert.deepEqual([spec.clusterIP, spec.publishNotReadyAddresses], ['None', true]);
    assert.equal(one(documents, 'StatefulSet').spec.serviceName, 'tulle-mesh');
    assert.equal(one(documents, 'StatefulSet').spec.podManagementPolicy, 'Parallel');
    assert.match(await fs.readFile(path.join(BASE, 'node.toml'), 'utf8'), /^peers += \["dns:tulle-mesh:7001"\]/m);
  });

  test('the mesh ports are for the other nodes alone', () => {
    const { spec } = one(documents, 'NetworkPolicy');
    assert.deepEqual(spec.policyTypes, ['Ingress']);
    assert.deepEqual(spec.ingress, [
      { ports: [{ port: 'clients' }] },
      { from: [{ podSelector: { matchLabels: LABELS } }], ports: [{ port: 'mesh' }, { port: 'mesh-data' }] },
    ]);
  });

  test('a pod that goes drains first, has the time for it, and goes alone', async () => {
    const needed = await drainSeconds();
    assert.deepEqual(container.lifecycle.preStop.exec.command, ['tulle', 'drain', '--wait']);
    const given = pod.spec.terminationGracePeriodSeconds;
    assert.ok(given >= needed && given < needed + 15, `${given} s for ${needed}`);
    assert.equal((await run('tulle', ['drain', '--help'])).code, 0);
    assert.equal(one(documents, 'PodDisruptionBudget').spec.maxUnavailable, 1);
    const { spec } = one(documents, 'HorizontalPodAutoscaler');
    assert.deepEqual([spec.scaleTargetRef.kind, spec.scaleTargetRef.name, spec.minReplicas], ['StatefulSet', 'tulle', 3]);
    assert.equal(spec.behavior.scaleDown.stabilizationWindowSeconds, 300);
    assert.ok(spec.behavior.scaleDown.policies.every(({ value, periodSeconds }) => value === 1 && periodSeconds > needed));
  });

  test('a node has no right that it does not need', () => {
    assert.deepEqual(pod.spec.securityContext,
      { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: { type: 'RuntimeDefault' } });
    assert.deepEqual(container.securityContext,
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    assert.equal(pod.spec.automountServiceAccountToken, false);
    assert.ok(container.volumeMounts.every((mount) => mount.readOnly));
    assert.equal(pod.spec.volumes.find((volume) => volume.name === 'secrets').secret.defaultMode, 0o440);
  });

  test('the node takes the configuration, with the variables of the pod', async () => {
    const address = container.env.find(({ name }) => name === 'TULLE_ADVERTISE');
    assert.equal(address.valueFrom.fieldRef.fieldPath, 'status.podIP');
    const checked = await run('tulled', ['--config', await configuration(), '--check-config'], { env: { TULLE_ADVERTISE: '127.0.0.1' } });
    assert.equal(checked.code, 0, checked.stderr);
  });
});

test('each manifest is right by the schema of its kind', { skip: isAbsent('kubernetes', 'python3-kubernetes') }, async () => {
  const { code, stdout, stderr } = await run(PYTHON, [READER, 'check', ...RESOURCES], { ms: 30_000 });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^6 documents, 0 wrong$/m);

  const planted = path.join(directory, 'planted.yaml');
  const right = await fs.readFile(RESOURCES[0], 'utf8');
  await fs.writeFile(planted, right.replace('podManagementPolicy', 'podManagment').replace('periodSeconds: 10', 'periodSeconds: ten')
    .replace('  serviceName: tulle-mesh\n', ''));
  const found = await run(PYTHON, [READER, 'check', planted], { ms: 30_000 });
  assert.equal(found.code, 1);
  assert.match(found.stdout, /^1 documents, 3 wrong$/m);
});

test('the container is made by tools/package, and has the ports, the user and the signal that the manifests count on', async () => {
  const text = await fs.readFile(path.join(PROJECT, 'tools/packaging/Dockerfile'), 'utf8');
  const [builder, image] = text.split(/^FROM /m).slice(1);
  assert.match(builder, /^debian:bookworm AS builder$/m);
  assert.match(builder, /^RUN tools\/package$/m);
  assert.match(image, /^debian:bookworm-slim$/m);
  assert.match(image, /--mount=type=bind,from=builder,source=\/src\/build\/packages,target=\/packages /);
  assert.match(image, /apt-get install --yes --no-install-recommends ca-certificates \/packages\/\*\.deb /);
  for (const line of ['USER 65532:65532', 'EXPOSE 6001 7001 7002 9601', 'STOPSIGNAL SIGTERM', 'ENTRYPOINT ["tulled"]']) {
    assert.ok(image.split('\n').includes(line), line);
  }
  assert.ok(Number(/--stop-timeout (\d+)/.exec(image)[1]) >= await drainSeconds());
});

const noKubectl = spawnSync(KUBECTL, ['kustomize', '--help'], { stdio: 'ignore' }).status !== 0 && `there is no ${KUBECTL}`;
test('the example overlay builds, opens the admin port to Prometheus with tokens, and bears the version of this build',
  { skip: noKubectl || isAbsent('yaml', 'python3-yaml') }, async () => {
    const copy = path.join(directory, 'kubernetes');
    await fs.cp(KUBERNETES, copy, { recursive: true });
    const overlay = path.join(copy, 'overlays/example');
    for (const name of ['mesh.key', 'app.secret', 'admin.tokens']) await fs.writeFile(path.join(overlay, name), `${name} of this test\n`);
    const built = await run(KUBECTL, ['kustomize', overlay], { ms: 30_000 });
    assert.equal(built.code, 0, built.stderr);
    const file = path.join(directory, 'built.yaml');
    await fs.writeFile(file, built.stdout);
    const documents = await read(file);
    assert.ok(documents.every((document) => document.metadata.namespace === 'tulle'));

    const [container] = one(documents, 'StatefulSet').spec.template.spec.containers;
    const version = /project\(tulle VERSION (\S+)/.exec(await fs.readFile(path.join(PROJECT, 'CMakeLists.txt'), 'utf8'))[1];
    assert.equal(container.image, `registry.example.com/tulle:${version}`);
    const variables = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    assert.equal(variables.TULLE_ADMIN, '0.0.0.0:9601');
    const { volumes } = one(documents, 'StatefulSet').spec.template.spec;
    const { secretName } = volumes.find((volume) => volume.name === 'secrets').secret;
    const secrets = Object.keys(one(documents, 'Secret', secretName).data);
    assert.ok(secrets.includes(path.basename(variables.TULLE_ADMIN_TOKEN_FILE)));
    const { name } = volumes.find((volume) => volume.name === 'config').configMap;
    assert.deepEqual(Object.keys(one(documents, 'ConfigMap', name).data), ['node.toml']);
    assert.deepEqual(one(documents, 'NetworkPolicy').spec.ingress.at(-1).ports, [{ port: 'admin' }]);
    assert.ok(container.ports.some((port) => port.name === 'admin' && port.containerPort === 9601));
  });

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are looked into freely; a wrong path is undefined and fails
type Manifest = any;

let manifests: readonly Manifest[];
let pod: Manifest;
let container: Manifest;

before(async () => {
  const text = await readFile(new URL('../../examples/kubernetes/obraz.yaml', import.meta.url), 'utf8');
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  manifests = documents.map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], []);
    return document.toJS();
  });
  pod = one('StatefulSet').spec.template;
  [container] = pod.spec.containers;
});

const all = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);

function one(kind: string): Manifest {
  const [found, ...others] = all(kind);
  assert.equal(others.length, 0, kind);
  return found;
}

test('has what there should be, of the versions that the server has', () => {
  assert.deepEqual(
    manifests.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`),
    [
      'v1 Secret obraz',
      'v1 Service obraz',
      'v1 Service obraz-pods',
      'networking.k8s.io/v1 NetworkPolicy obraz',
      'apps/v1 StatefulSet obraz',
    ],
  );
});

test('selectors select the pods', () => {
  const { labels } = pod.metadata;
  const set = one('StatefulSet').spec;
  for (const selector of [
    ...all('Service').map(({ spec }) => spec.selector),
    set.selector.matchLabels,
    one('NetworkPolicy').spec.podSelector.matchLabels,
  ]) {
    assert.deepEqual(selector, labels);
  }
  const headless = all('Service').find(({ metadata }) => metadata.name === set.serviceName);
  assert.equal(headless?.spec.clusterIP, 'None');
  assert.equal(set.replicas, 1, 'the data directory is one process’s');
});

test('ports are those that the service takes', () => {
  const ports = new Map<string, number>(container.ports.map((port: Manifest) => [port.name, port.containerPort]));
  const named = [
    ...all('Service').flatMap(({ spec }) => spec.ports.map((port: Manifest) => port.targetPort)),
    ...one('NetworkPolicy').spec.ingress.flatMap((rule: Manifest) => rule.ports.map((port: Manifest) => port.port)),
    container.startupProbe.httpGet.port,
    container.readinessProbe.httpGet.port,
    container.livenessProbe.tcpSocket.port,
  ];
  for (const name of named) assert.ok(ports.has(name), name);
  // As the image of examples/docker sets them, and the manifest besides.
  const image = { OBRAZ_DATA: '/var/lib/obraz', OBRAZ_LISTEN: '0.0.0.0:8443', OBRAZ_NBD: '0.0.0.0:10809' };
  const own = Object.fromEntries(container.env.map(({ name, value }: Manifest) => [name, value]));
  const config = readConfig({}, { ...image, ...own, ...one('Secret').stringData });
  assert.deepEqual(
    [config.listen.port, config.nbd.port, config.metrics?.port],
    ['api', 'nbd', 'metrics'].map((name) => ports.get(name)),
  );
  assert.equal(config.databaseUrl, undefined, 'the empty one is none');
});

test('what is mounted is there, and what is written is on the volume', () => {
  const volumes = [
    ...pod.spec.volumes.map(({ name }: Manifest) => name),
    ...one('StatefulSet').spec.volumeClaimTemplates.map(({ metadata }: Manifest) => metadata.name),
  ];
  const mounts = new Map(container.volumeMounts.map((mount: Manifest) => [mount.mountPath, mount.name]));
  assert.deepEqual([...mounts.values()].sort(), volumes.sort());
  assert.equal(mounts.get('/var/lib/obraz'), 'data');
  const own = new Map(container.env.map(({ name, value }: Manifest) => [name, value]));
  for (const name of ['OBRAZ_TLS_CERT', 'OBRAZ_TLS_KEY']) {
    assert.match(String(own.get(name)), /^\/etc\/obraz\/tls\//);
  }
});

test('runs as nobody, with nothing that it does not need', () => {
  const { securityContext, automountServiceAccountToken, terminationGracePeriodSeconds } = pod.spec;
  assert.equal(securityContext.runAsNonRoot, true);
  assert.equal(securityContext.runAsUser, 10001);
  assert.equal(automountServiceAccountToken, false);
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  assert.ok(terminationGracePeriodSeconds > 10, 'longer than a stop takes');
});

test('the processes of an installation that has several read their settings, and are known apart', async () => {
  const text = await readFile(new URL('../../examples/kubernetes/several.yaml', import.meta.url), 'utf8');
  const several: Manifest[] = parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], []);
    return document.toJS();
  });
  const kinds = several.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.deepEqual(kinds, [
    ...['Secret obraz-shared', 'Service obraz-api', 'Service obraz-block'],
    ...['Deployment obraz-api', 'Deployment obraz-worker', 'StatefulSet obraz-block'],
  ]);
  const [secret] = several;
  const image = { OBRAZ_DATA: '/var/lib/obraz', OBRAZ_LISTEN: '0.0.0.0:8443', OBRAZ_NBD: '0.0.0.0:10809' };
  for (const { spec, metadata } of several.slice(3)) {
    const { labels } = spec.template.metadata;
    assert.deepEqual(spec.selector.matchLabels, labels);
    const role = labels['app.kubernetes.io/component'];
    assert.equal(metadata.name, `obraz-${role}`);
    const {
      containers: [process],
      volumes,
      securityContext,
    } = spec.template.spec;
    assert.equal(securityContext.runAsNonRoot, true);
    const own = Object.fromEntries(process.env.map(({ name, value = '' }: Manifest) => [name, value]));
    if (role === 'block') {
      assert.match(own.OBRAZ_NBD_ADDRESS, /^\$\(POD_NAME\)\./);
      own.OBRAZ_NBD_ADDRESS = own.OBRAZ_NBD_ADDRESS.replace('$(POD_NAME)', 'obraz-block-0');
    }
    const config = readConfig({}, { ...image, ...own, ...secret.stringData });
    assert.deepEqual(config.roles, [role]);
    const ports = new Map<string, number>(process.ports.map((port: Manifest) => [port.name, port.containerPort]));
    assert.equal(ports.get('metrics'), config.metrics?.port);
    const service = several.find(({ kind, metadata: of }) => kind === 'Service' && of.name === metadata.name);
    if (service !== undefined) {
      assert.deepEqual(service.spec.selector, labels);
      for (const { targetPort } of service.spec.ports) assert.ok(ports.has(targetPort), targetPort);
    }
    const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata: of }: Manifest) => of.name);
    const mounted = process.volumeMounts.map(({ name }: Manifest) => name);
    assert.deepEqual(mounted.toSorted(), [...volumes.map(({ name }: Manifest) => name), ...claims].toSorted());
    assert.equal(claims.includes('data'), role === 'block', 'only disks are kept');
  }
});

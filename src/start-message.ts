import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type Config, defaultDataDirectory } from './config.ts';
import { describeDataDirectory } from './installation/data-directory.ts';
import { formatHostPort, reachable } from './lib/host-port.ts';
import { shellWord } from './lib/shell-word.ts';
import type { Service } from './service.ts';

/** A public image to try with: about 330 MB, and the distribution keeps the address. */
const exampleUri = 'https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2';

/** What `obraz serve` prints when it serves: where things are, and three commands that work as they stand. */
export function describeStart(config: Config, service: Service): string {
  const directory = describeDataDirectory(config.dataDirectory);
  const show = (path: string) => shellWord(fromHere(config, path));
  const obraz =
    config.invokedAs === undefined
      ? show(join(import.meta.dirname, '..', 'bin', 'obraz'))
      : shellWord(config.invokedAs);
  const isDefault = resolve(config.startedFrom, defaultDataDirectory) === config.dataDirectory;
  const data = isDefault ? '' : ` --data ${show(config.dataDirectory)}`;
  const ca = show(join(directory.tls, 'ca.pem'));
  if (service.address === undefined) return describePart(config, service);
  const address = formatHostPort(reachable(service.address));
  // What trusts the operator's certificate only the operator knows; from this machine plain connections are taken.
  const [trust, curl] =
    config.certificate === undefined
      ? [`  CA certificate   ${ca}`, `curl --cacert ${ca} https://${address}/health`]
      : [`  certificate      ${show(config.certificate.certificatePath)}`, `curl http://${address}/health`];
  return [
    `Obraz serves on ${formatHostPort(service.address)} (gRPC and REST, TLS and plain).`,
    '',
    trust,
    `  admin key        ${show(directory.credentials.adminKey)}`,
    `  admin token      ${show(directory.credentials.adminToken)}`,
    `  folder "default" ${service.folderId}`,
    '',
    'Try, in another terminal:',
    '',
    `  ${obraz} image create --name debian-13 --source-uri ${exampleUri}${data}`,
    `  ${obraz} image list${data}`,
    `  ${curl}`,
    '',
    '',
  ].join('\n');
}

/** Of a process that people do not call. */
function describePart({ roles }: Config, { nodeId, metricsAddress }: Service): string {
  const health = metricsAddress === undefined ? '' : `, http://${formatHostPort(reachable(metricsAddress))}/health`;
  return `Obraz runs as ${roles.join(' and ')} (node ${nodeId}${health}).\n`;
}

/** A path as the user can type it where they started us. */
function fromHere(config: Config, path: string): string {
  const short = relative(config.startedFrom, path);
  if (short.startsWith('..') || !existsSync(config.startedFrom)) return path;
  return short.includes('/') && !short.startsWith('.') ? `./${short}` : short;
}

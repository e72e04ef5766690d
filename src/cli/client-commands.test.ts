import assert from 'node:assert/strict';
import test from 'node:test';
import { Command } from 'commander';
import { PCITopology } from '../gen/yandex/cloud/compute/v1/hardware_generation_pb.ts';
import { Os_Type } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { CliFailed } from './cli-failed.ts';
import { addClientCommands } from './client-commands.ts';
import {
  checkSources as checkDiskSources,
  type CreateFlags as DiskFlags,
  requestOf as diskRequestOf,
} from './disk/create.ts';
import { changesOf as diskChangesOf } from './disk/update.ts';
import { type CreateFlags, checkSources, requestOf } from './image/create.ts';
import { changesOf } from './image/update.ts';
import type { ToAction } from './run-command.ts';

/** Parses a command line and returns the command that was meant, without running it. */
async function parse(line: string): Promise<Command> {
  let meant: Command | undefined;
  const program = new Command('obraz').exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  const toAction: ToAction =
    () =>
    async (...received) => {
      const command = received.at(-1);
      if (command instanceof Command) meant = command;
    };
  const terminal = { out: process.stdout, err: process.stderr };
  const inspect = () => Promise.reject(new Error('only parsed'));
  addClientCommands(program, toAction, {
    rebuild: async () => {},
    backups: { backUp: async () => {}, restore: async () => {} },
    inspecting: { inspect, terminal, signal: AbortSignal.any([]) },
  });
  await program.parseAsync(line.split(' '), { from: 'user' });
  assert.ok(meant !== undefined);
  return meant;
}

test("has every command of the contract, with yc's words in front or without", async () => {
  for (const prefix of ['', 'compute ']) {
    for (const line of [
      'image create --source-uri http://a/b',
      'image get a',
      'image get --id fd8',
      'image list',
      'image get-latest-from-family debian',
      'image update a --new-name b',
      'image add-labels a --labels x=1',
      'image remove-labels a --labels x,y',
      'image delete a',
      'image list-operations a --limit 5',
      'image download a b.raw --force',
      'image create --source-disk-name a',
      'image create --source-snapshot-id a',
      'disk create --name a --size 10 --zone z --type network-ssd --block-size 8KB --source-image-name b',
      'disk create --source-snapshot-name a --hardware-features pci_topology=v2 --async',
      'disk get a',
      'disk list --limit 5',
      'disk update a --new-name b --size 20GB --disk-placement-group-id g',
      'disk resize a --size 20GB',
      'disk add-labels a --labels x=1',
      'disk remove-labels a --labels x',
      'disk move a --destination-folder-id b',
      'disk relocate a --destination-zone-id z',
      'disk delete --id a',
      'disk list-operations a',
      'snapshot create --disk-name a --name b --labels x=1',
      'snapshot get a',
      'snapshot list',
      'snapshot update a --description d',
      'snapshot add-labels a --labels x=1',
      'snapshot remove-labels a --labels x',
      'snapshot delete a --async',
      'snapshot list-operations a',
      ...['image', 'disk', 'snapshot'].flatMap((noun) => [
        `${noun} list-access-bindings a --limit 0`,
        `${noun} set-access-bindings a --access-binding role=viewer,subject=system:allUsers`,
        `${noun} add-access-binding a --role editor --service-account-name b`,
        `${noun} remove-access-binding --id a --role editor --subject userAccount:b`,
      ]),
      'zone list',
      'zone get a',
      'disk-type list',
      'disk-type get a',
    ]) {
      assert.equal((await parse(prefix + line)).name(), line.split(' ')[1]);
    }
  }
  for (const line of [
    'operation get fd8',
    'operation wait fd8',
    'operation cancel fd8',
    'upload get fd8',
    'upload delete fd8',
  ]) {
    assert.deepEqual((await parse(line)).args, ['fd8']);
  }
  assert.equal((await parse('upload list --format json')).name(), 'list');
  for (const line of [
    'iam service-account create ci --description d --labels a=b',
    'iam service-account get ci',
    'iam service-account list --limit 5',
    'iam service-account update ci --new-name cd',
    'iam service-account delete --id aje',
    'iam service-account list-operations ci',
    'iam key create --service-account-name ci -o key.json --algorithm rsa-4096',
    'iam key list --service-account-id aje',
    'iam key get aje',
    'iam user-account get alice',
    'iam key delete aje --service-account-key-file other.json',
  ]) {
    assert.equal((await parse(line)).name(), line.split(' ')[2]);
  }
  for (const noun of ['cloud', 'folder']) {
    for (const line of [
      `${noun} create work --description d --labels a=b`,
      `${noun} get --name work`,
      `${noun} list --filter name=work --cloud-id a`,
      `${noun} update work --new-name home`,
      `${noun} delete --id b1g --async`,
      `${noun} list-operations work --limit 5`,
      `${noun} list-access-bindings work`,
      `${noun} set-access-bindings work`,
      `${noun} add-access-binding work --role viewer --all-authenticated-users`,
      `${noun} remove-access-binding work --role viewer --user-yandex-login b`,
    ]) {
      assert.equal((await parse(`resource-manager ${line}`)).name(), line.split(' ')[1]);
    }
  }
  for (const line of ['iam create-token', 'iam revoke-token t1.a.b']) {
    assert.equal((await parse(line)).name(), line.split(' ')[1]);
  }
});

test('takes the common flags anywhere behind the first word', async () => {
  for (const line of ['image --format json list --data d', 'image list --format json --data d']) {
    const { format, data } = (await parse(line)).optsWithGlobals();
    assert.deepEqual({ format, data }, { format: 'json', data: 'd' });
  }
});

test('makes a request of the flags of create', async () => {
  const command = await parse(
    'image create --name a --description d --labels x=1,y= --labels z=3 --family f --min-disk-size 10 ' +
      '--product-ids p1,p2 --pooled --os-type windows --os-nvidia-driver 550 --hardware-features pci_topology=v2 ' +
      '--source-uri http://a/b --source-sha256 AB --source-sha512 CD',
  );
  assert.deepEqual(requestOf(command.opts<CreateFlags>()), {
    name: 'a',
    description: 'd',
    labels: { x: '1', y: '', z: '3' },
    family: 'f',
    minDiskSize: 10n * 2n ** 30n,
    productIds: ['p1', 'p2'],
    pooled: true,
    sourceSha256: 'ab',
    sourceSha512: 'cd',
    os: { type: Os_Type.WINDOWS, nvidia: { driver: '550' } },
    hardwareGeneration: { features: { case: 'legacyFeatures', value: { pciTopology: PCITopology.PCI_TOPOLOGY_V2 } } },
  });
});

test('wants one source, and names those that exclude each other', () => {
  assert.throws(() => checkSources({}), {
    name: 'CliFailed',
    message: /^give a source: one of --file, --source-uri, /,
  });
  const [file, sourceUri, sourceFamily] = ['disk.raw', 'http://a/b', 'debian'];
  for (const flags of [{ file }, { sourceUri }, { sourceFamily }]) checkSources(flags);
  const message = '--file and --source-uri exclude each other: give one.';
  assert.throws(() => checkSources({ file, sourceUri }), { name: 'CliFailed', message });
  assert.throws(() => checkSources({ file, sourceFamily }), /--file and --source-family exclude/);
});

test('leaves to the server what create was not told', () => {
  const { os, hardwareGeneration, minDiskSize } = requestOf({});
  assert.deepEqual(
    { os, hardwareGeneration, minDiskSize },
    { os: undefined, hardwareGeneration: undefined, minDiskSize: 0n },
  );
});

test('refuses hardware that does not exist', () => {
  assert.throws(() => requestOf({ hardwareFeatures: { pci_topology: 'v3' } }), CliFailed);
  assert.throws(() => requestOf({ hardwareFeatures: { colour: 'red' } }), CliFailed);
  const both = { hardwareGenerationId: 'generation2', hardwareFeatures: { pci_topology: 'v1' } } as const;
  assert.throws(() => requestOf(both), CliFailed);
});

test('updates what was given and nothing else', () => {
  assert.deepEqual(changesOf({ newName: 'b', labels: {} }), {
    updateMask: { paths: ['name', 'labels'] },
    name: 'b',
    description: '',
    labels: {},
    minDiskSize: 0n,
  });
  assert.throws(() => changesOf({}), CliFailed);
});

test('makes a request of the flags of disk create', async () => {
  const command = await parse(
    'disk create --name a --labels x=1 --type network-ssd --block-size 8KB --disk-placement-group-id g ' +
      '--disk-placement-group-partition 2 --hardware-generation-id generation2',
  );
  assert.deepEqual(diskRequestOf(command.opts<DiskFlags>()), {
    name: 'a',
    description: '',
    labels: { x: '1' },
    typeId: 'network-ssd',
    blockSize: 8192n,
    diskPlacementPolicy: { placementGroupId: 'g', placementGroupPartition: 2n },
    hardwareGeneration: { features: { case: 'generation2Features', value: {} } },
  });
  assert.deepEqual(diskRequestOf({}), { name: '', description: '', labels: {}, typeId: '', blockSize: 0n });
  const two = { sourceImageId: 'a', sourceSnapshotName: 'b' };
  assert.throws(() => checkDiskSources(two), /--source-image-id and --source-snapshot-name exclude each other/);
  checkDiskSources({});
  assert.deepEqual(diskChangesOf({ size: 5 }).updateMask, { paths: ['size'] });
  assert.throws(() => diskChangesOf({}), CliFailed);
});

test('refuses what it cannot read, with the flag in the message', async () => {
  for (const line of [
    'image list --limit many',
    'image list --format xml',
    'image create --labels a --source-uri u',
    'image create --min-disk-size big --source-uri u',
    'image create --os-type dos --source-uri u',
    'image get a b',
    'image add-labels a',
    'image nothing',
    'disk resize a',
    'disk create --size big',
    'disk move a',
    'disk relocate a',
    'zone get',
    'operation get',
    'iam key create',
    'iam key create -o key.json --algorithm dsa',
    'iam key get',
    'iam revoke-token',
    'image add-access-binding a --all-authenticated-users',
  ]) {
    await assert.rejects(parse(line), { name: /^(CommanderError|InvalidArgumentError)$/ }, line);
  }
});

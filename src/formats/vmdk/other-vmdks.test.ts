import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { descriptorText } from '../../../test/fixtures/vmdk-builder.ts';
import { ImageRefused } from '../image-refused.ts';
import { openDisk } from '../open-disk.ts';
import { otherVmdks } from './other-vmdks.ts';

async function refusalOf(file: Uint8Array): Promise<ImageRefused> {
  const failure = await openDisk(new MemorySource(file)).then(
    () => assert.fail('the file was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(failure instanceof ImageRefused, String(failure));
  return failure;
}

function isOtherVmdk(text: string): boolean {
  const head = Buffer.from(text);
  return otherVmdks.some((format) => format.recognises({ sizeBytes: head.length, head, tail: head }));
}

const flat = descriptorText({ type: 'monolithicFlat', extent: 'RW 512 FLAT "/etc/passwd" 0' });

test('recognises a descriptor wherever QEMU would, also as a disk of whole sectors', () => {
  for (const text of [
    flat,
    flat.replaceAll('\n', '\r\n'),
    flat.toUpperCase(),
    flat.padEnd(4096, '\0'),
    flat.replace('# Disk DescriptorFile\n', ''),
    `# made by hand\n\n  \n# twice\n${flat.replace('# Disk DescriptorFile\n', '')}`,
    'version = 3\n',
  ]) {
    assert.ok(isOtherVmdk(text), text.slice(0, 60));
  }
});

test('takes nothing else for a descriptor', () => {
  for (const text of [
    '#!/bin/sh\necho version=1\n',
    'the version=1',
    '\0# Disk DescriptorFile\n',
    '#\n'.repeat(4000),
  ]) {
    assert.ok(!isOtherVmdk(text), text.slice(0, 60));
  }
});

test('says which type the descriptor is of, and which program can open it', async () => {
  for (const type of [
    'monolithicFlat',
    'twoGbMaxExtentSparse',
    'twoGbMaxExtentFlat',
    'vmfs',
    'vmfsSparse',
    'seSparse',
  ]) {
    const { reason, remedy } = await refusalOf(Buffer.from(descriptorText({ type })));
    assert.match(reason, new RegExp(`of type ${type}:`));
    assert.match(remedy ?? '', /qemu-img convert -f vmdk/);
  }
  for (const type of ['fullDevice', 'partitionedDevice', 'vmfsRaw', 'vmfsRawDeviceMap', 'custom']) {
    const { reason, remedy } = await refusalOf(Buffer.from(descriptorText({ type })));
    assert.match(reason, new RegExp(`of type ${type}:`));
    assert.match(remedy ?? '', /vmware-vdiskmanager -r/);
  }
  const { reason } = await refusalOf(Buffer.from(descriptorText({ type: '\x1b[31mred' })));
  assert.doesNotMatch(reason, /of type/);
});

test('refuses the snapshots of ESX servers by name', async () => {
  for (const [magic, name] of [
    ['COWD', /vmfsSparse/],
    ['\xbe\xba\xfe\xca\0\0\0\0', /seSparse/],
  ] as const) {
    const file = Buffer.alloc(4096);
    file.write(magic, 'latin1');
    const { check, reason } = await refusalOf(file);
    assert.equal(check, 'format.unsupported');
    assert.match(reason, name);
  }
});

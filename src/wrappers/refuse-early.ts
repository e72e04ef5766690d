import { ImageRefused } from '../formats/image-refused.ts';
import { markupViolation } from '../formats/not-a-disk.ts';
import type { Probe } from '../formats/probe.ts';
import { unsupportedFormats } from '../formats/unsupported-formats.ts';
import { recogniseWrapper } from './recognise-wrapper.ts';
import { maxLayers } from './unwrap-limits.ts';

/** How much of what is unpacked must be there to be looked at: as much as decides a format. */
export const earlyBytes = 64 * 1024;

/**
 * Refuses what is unpacked as soon as its beginning is there, where nothing that follows could save it: a disk of a kind
 * that is not read, a web page, a wrapper too many.
 *
 * @param depth of the layer that is being unpacked, 1 for the outermost
 * @throws ImageRefused
 */
export async function refuseEarly(head: Uint8Array, depth: number): Promise<void> {
  // The end is not known yet. A mark there could only make it two things at once, which is refused as well.
  const probe: Probe = { sizeBytes: Number.MAX_SAFE_INTEGER, head, tail: new Uint8Array(0) };
  if (recogniseWrapper(probe) !== undefined) {
    if (depth >= maxLayers) throw tooManyLayers();
    return;
  }
  const unsupported = unsupportedFormats.find((format) => format.recognises(probe));
  await unsupported?.open({ sizeBytes: 0, read: neverRead, async [Symbol.asyncDispose]() {} }, probe);
  const violation = markupViolation(head);
  if (violation !== undefined) throw new ImageRefused({ check: 'raw.not-a-disk', ...violation });
}

export function tooManyLayers(): ImageRefused {
  return new ImageRefused({
    check: 'layers.too-many',
    reason: `There are more than ${maxLayers} wrappers around the disk, one in the other.`,
    remedy: 'Unpack the outer ones, and import what is in them.',
  });
}

function neverRead(): Promise<never> {
  return Promise.reject(new Error('a format that is refused by name reads nothing'));
}

import { ImageRefused } from '../formats/image-refused.ts';

/** The same refusal, which says what the file at fault was in: "Inside gzip > tar (disk.raw): ...". */
export function refusedWithin(around: readonly string[], refusal: ImageRefused): ImageRefused {
  const { check, reason, remedy } = refusal;
  const inner = /^Inside (.*)$/s.exec(reason)?.[1];
  const place = around.join(' > ');
  return new ImageRefused({
    check,
    reason: inner === undefined ? `Inside ${place}: ${reason}` : `Inside ${place} > ${inner}`,
    ...(remedy === undefined ? {} : { remedy }),
    cause: refusal,
  });
}

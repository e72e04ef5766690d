/**
 * A transcript is what somebody did with gcloud, and what it answered: a line `$ COMMAND`, what was printed on both
 * streams, `[CODE]` when it ended with another exit code than 0, and an empty line. Lines with `#` before a command are said
 * by whoever wrote it. What differs from run to run is written as a word: `masked` makes it so.
 */
export interface Exchange {
  readonly remarks: readonly string[];
  readonly command: string;
  readonly answer: string;
}

export function readTranscript(text: string): Exchange[] {
  return text
    .split(/\n\n(?=#|\$ )/)
    .map((block) => block.trimEnd().split('\n'))
    .map((lines) => {
      const at = lines.findIndex((line) => line.startsWith('$ '));
      if (at < 0) throw new Error(`a transcript has a block without a command:\n${lines.join('\n')}`);
      const command = lines[at]?.slice(2) ?? '';
      return { remarks: lines.slice(0, at), command, answer: lines.slice(at + 1).join('\n') };
    });
}

/** The form that readTranscript reads. */
export function writeTranscript(exchanges: readonly Exchange[]): string {
  const blocks = exchanges.map(({ remarks, command, answer }) =>
    [...remarks, `$ ${command}`, ...(answer === '' ? [] : [answer])].join('\n'),
  );
  return `${blocks.join('\n\n')}\n`;
}

/** What was printed, with a word in place of everything that another run has otherwise. */
export function masked(printed: string, known: Readonly<Record<string, string>>): string {
  let text = printed;
  for (const [word, value] of Object.entries(known)) text = text.replaceAll(value, word);
  return text
    .replaceAll(/operation-\d{13}-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}/g, 'OPERATION')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:[+-]\d\d:\d\d|Z)/g, 'TIME')
    .replaceAll(/(?<![\w-])[1-9]\d{16,18}(?![\w-])/g, 'NUMBER')
    .replaceAll(/(?<=[fF]ingerprint: )\S+=/g, 'FINGERPRINT')
    .replaceAll(/(?<=etag: )\S+/g, 'ETAG')
    .replaceAll(/(?<=(?:archiveSizeBytes|storageBytes): ')\d+/g, 'BYTES')
    .replaceAll(/\.{3,}(?=done\.|failed\.)/g, '...')
    .replaceAll(/[ \t]+$/gm, '')
    .trim();
}

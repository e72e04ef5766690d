import { type ChangeNotices, noNotices } from './change-notices.ts';
import { listenForNotices, type NoticesFigures } from './postgres-notices.ts';

/** Notices, and what is known of how they come. Dispose them before the database. */
export interface OpenNotices extends ChangeNotices, AsyncDisposable {
  /** Undefined where there is nobody to hear of. */
  figures(): NoticesFigures | undefined;
}

interface Log {
  info(message: string): void;
  warn(facts: object, message: string): void;
}

/** Listens to the PostgreSQL database of the URL; without one, this process alone uses the metadata, and knows what it does. */
export function openNotices(url: string | undefined, log: Log): OpenNotices {
  if (url === undefined) return { ...noNotices, figures: () => undefined, async [Symbol.asyncDispose]() {} };
  let wereLost = false;
  return listenForNotices({
    url,
    onLost(error) {
      wereLost = true;
      log.warn({ err: error }, 'changes of other processes are not heard of; they are looked for');
    },
    onHeard() {
      if (wereLost) log.info('changes of other processes are heard of again');
    },
  });
}

import { choiceOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';

/** The guest's operating system. */
export interface Os {
  readonly type: 'LINUX' | 'WINDOWS';
  /** Version of the NVIDIA driver in it; empty when there is none. */
  readonly nvidiaDriver: string;
}

export function osToJson(os: Os): JsonObject {
  return { type: os.type, nvidiaDriver: os.nvidiaDriver };
}

export function osFromJson(value: unknown): Os {
  const json = objectOf(value, 'os');
  return { type: choiceOf(json.type, ['LINUX', 'WINDOWS'], 'type'), nvidiaDriver: stringOf(json, 'nvidiaDriver') };
}

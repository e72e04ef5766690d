import { ServiceError } from '../../errors.ts';

/** Whether the caller may do what `ask` asks for, which throws PERMISSION_DENIED where he may not. */
export async function isGranted(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'PERMISSION_DENIED') return false;
    throw error;
  }
}

const maxNameBytes = 1024;

/**
 * Whether an object can have this name: 1 to 1024 bytes of UTF-8, no line ends, not `.` or `..`, and not where certificates
 * are asked for: https://cloud.google.com/storage/docs/objects#naming
 */
export function isObjectName(text: string): boolean {
  return (
    text !== '' &&
    text !== '.' &&
    text !== '..' &&
    text.isWellFormed() &&
    Buffer.byteLength(text) <= maxNameBytes &&
    // PostgreSQL has no NUL in texts.
    !/[\r\n\0]/.test(text) &&
    !text.startsWith('.well-known/acme-challenge/')
  );
}

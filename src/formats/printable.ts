/** A text from a file's header, safe to show: up to its first zero byte, all but printable ASCII as question marks. */
export function printable(text: string): string {
  return text.replace(/\0.*$/s, '').replaceAll(/[^ -~]/g, '?');
}

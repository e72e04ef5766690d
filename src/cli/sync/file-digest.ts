/** What a publisher says that a file is. */
export interface FileDigest {
  readonly algorithm: 'sha256' | 'sha512';
  /** In small hexadecimal digits. */
  readonly hex: string;
}

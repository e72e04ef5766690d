/**
 * What a file from outside is to be: `any` of the disk files and wrappers that are read, told by its bytes; or a
 * `raw-tar-gz`: gzip around a tar archive of one raw disk, and nothing else, whatever its bytes look like.
 */
export const fileForms = ['any', 'raw-tar-gz'] as const;
export type FileForm = (typeof fileForms)[number];

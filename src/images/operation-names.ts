/** The kinds of operation on images, as rows and doors name them. All but an import and a digest are done in the request. */
export const createImageKind = 'image.create';
export const updateImageKind = 'image.update';
export const deleteImageKind = 'image.delete';
export const digestImageKind = 'image.digest';

/** The kinds of operation on snapshots, as rows and doors name them. All but a creation are done in the request. */
export const createSnapshotKind = 'snapshot.create';
export const updateSnapshotKind = 'snapshot.update';
export const deleteSnapshotKind = 'snapshot.delete';

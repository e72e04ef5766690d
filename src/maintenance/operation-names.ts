/** The kinds of operation on the store, as rows and doors name them. */
export const checkStoreKind = 'store.check';
export const scrubStoreKind = 'store.scrub';
export const compactStoreKind = 'store.compact';

/** What these operations are on: there is one store. */
export const storeResourceId = 'store';

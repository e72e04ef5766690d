/** The kinds of operation on service accounts and their keys, as rows and doors name them. All are done in the request. */
export const createAccountKind = 'serviceAccount.create';
export const updateAccountKind = 'serviceAccount.update';
export const deleteAccountKind = 'serviceAccount.delete';
export const updateKeyKind = 'key.update';
export const deleteKeyKind = 'key.delete';
export const updateAccessKeyKind = 'accessKey.update';
export const deleteAccessKeyKind = 'accessKey.delete';

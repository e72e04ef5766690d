/**
 * The domain that key files in Google's form name as theirs, unless another is asked for. Any but the public cloud's own
 * keeps its SDKs from sending keys' proofs there; `internal` is the top-level domain that is nobody's.
 */
export const defaultUniverseDomain = 'obraz.internal';

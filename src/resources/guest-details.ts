import { choiceOf, type JsonObject, objectOf, parseJson, stringsOf } from '../lib/json.ts';

const architectures = ['X86_64', 'ARM64'] as const;
export type Architecture = (typeof architectures)[number];

/** What is said of the guest on an image, a disk or a snapshot, for who starts it. Kept and shown; it changes nothing here. */
export interface GuestDetails {
  /** Undefined when nobody said. */
  readonly architecture: Architecture | undefined;
  /** What the guest can do, by the words that clients use: `UEFI_COMPATIBLE`. */
  readonly guestOsFeatures: readonly string[];
  /** Addresses of licenses, as they were given. */
  readonly licenses: readonly string[];
  /** Their numbers, in decimal digits. */
  readonly licenseCodes: readonly string[];
}

export const noGuestDetails: GuestDetails = {
  architecture: undefined,
  guestOsFeatures: [],
  licenses: [],
  licenseCodes: [],
};

/** What is not given comes from the source, if there is one; an empty list is not given. */
export function inheritGuestDetails(given: GuestDetails | undefined, source: GuestDetails | undefined): GuestDetails {
  const own = given ?? noGuestDetails;
  const inherited = source ?? noGuestDetails;
  const orInherited = (list: 'guestOsFeatures' | 'licenses' | 'licenseCodes') =>
    own[list].length > 0 ? own[list] : inherited[list];
  return {
    architecture: own.architecture ?? inherited.architecture,
    guestOsFeatures: orInherited('guestOsFeatures'),
    licenses: orInherited('licenses'),
    licenseCodes: orInherited('licenseCodes'),
  };
}

/** The form in which rows and operations keep it; guestDetailsFromJson reads it back. What is not said is left out. */
export function guestDetailsToJson({ architecture, ...lists }: GuestDetails): JsonObject {
  const said = Object.entries(lists).filter(([, list]) => list.length > 0);
  return { ...(architecture === undefined ? {} : { architecture }), ...Object.fromEntries(said) };
}

/** Reads also what earlier versions wrote, which is nothing. Throws JsonShapeWrong for what nobody wrote. */
export function guestDetailsFromJson(value: unknown): GuestDetails {
  if (value === undefined) return noGuestDetails;
  const { architecture, guestOsFeatures = [], licenses = [], licenseCodes = [] } = objectOf(value, 'guest');
  return {
    architecture: architecture === undefined ? undefined : choiceOf(architecture, architectures, 'architecture'),
    guestOsFeatures: stringsOf(guestOsFeatures, 'guestOsFeatures'),
    licenses: stringsOf(licenses, 'licenses'),
    licenseCodes: stringsOf(licenseCodes, 'licenseCodes'),
  };
}

/** Of a row. Lists read a thousand of them, and most say nothing. */
export function guestDetailsFromText(text: string): GuestDetails {
  return text === '{}' ? noGuestDetails : guestDetailsFromJson(parseJson(text));
}

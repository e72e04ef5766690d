export const outputFormats = ['table', 'yaml', 'json', 'json-rest'] as const;

/** `yaml` and `json` have the names of the .proto, as yc writes them; `json-rest` has those of the REST API. */
export type OutputFormat = (typeof outputFormats)[number];

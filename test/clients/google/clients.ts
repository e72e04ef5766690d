import type { Client } from '../clients.ts';
import { type GoogleStep, googleStepNames } from './steps.ts';

export type GoogleClientName = 'cloud-nodejs' | 'apis-nodejs' | 'python';

/** What docs/compatibility.md says of Google's clients is made of this table, and the tests hold it to what they do. */
export const googleClients: Readonly<Record<GoogleClientName, Client<GoogleStep>>> = {
  'cloud-nodejs': {
    title: 'Node: @google-cloud/compute 7.8.0',
    does: googleStepNames,
    notes:
      "`{apiEndpoint: 'localhost', port: 8443, projectId}`: an endpoint with a port in it goes to 443. With a key file `universeDomain: 'obraz.internal'`, for the client and for its `GoogleAuth`; the CA by `NODE_EXTRA_CA_CERTS`.",
  },
  'apis-nodejs': {
    title: 'Node: @googleapis/compute 42.0.0',
    does: googleStepNames,
    notes:
      "`compute({version: 'v1', rootUrl: 'https://localhost:8443/'})`; with a key file `universeDomain: 'obraz.internal'`, and scopes for its `GoogleAuth`; the CA by `NODE_EXTRA_CA_CERTS`.",
  },
  python: {
    title: 'Python: google-cloud-compute 1.57.0',
    does: googleStepNames,
    notes:
      '`ImagesClient(client_options={"api_endpoint": "https://localhost:8443"})`; with a key file `"universe_domain": "obraz.internal"` there, too; the CA by `REQUESTS_CA_BUNDLE`. Wait with `GlobalOperationsClient` and `ZoneOperationsClient`, and start with `insert_unary` and its like: `result()` of an operation asks `compute.googleapis.com`, or `compute.DOMAIN` by `GOOGLE_CLOUD_UNIVERSE_DOMAIN`, whatever endpoint was given.',
  },
};

import { ApiEndpointService } from '../../gen/yandex/cloud/endpoint/api_endpoint_service_pb.ts';
import type { CreateKeyResponse } from '../../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import { ServiceAccountService } from '../../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import { defaultUniverseDomain } from '../../lib/universe-domain.ts';
import type { Session } from '../session.ts';

/** What a key file in Google's form says of where it is good. */
export interface DescribedServer {
  /** HOST:PORT as the server tells every client. */
  readonly address: string;
  readonly universeDomain: string;
}

export async function describeServer(
  session: Session,
  universeDomain = defaultUniverseDomain,
): Promise<DescribedServer> {
  const { address } = await session.api.call(ApiEndpointService.method.get, { apiEndpointId: 'iam' }, session);
  return { address, universeDomain };
}

/**
 * A new key as gcloud and Google's SDKs read it. Its project is the folder of the account, its addresses are this server's;
 * a `universe_domain` that is not the public cloud's makes them use the key themselves or exchange it here, and never there.
 */
export async function googleKeyFile(
  session: Session,
  { key, privateKey }: CreateKeyResponse,
  { address, universeDomain }: DescribedServer,
): Promise<string> {
  const serviceAccountId = key?.subject.case === 'serviceAccountId' ? key.subject.value : '';
  const { folderId } = await session.api.call(ServiceAccountService.method.get, { serviceAccountId }, session);
  const file = {
    type: 'service_account',
    project_id: folderId,
    private_key_id: key?.id,
    private_key: privateKey,
    client_email: `${serviceAccountId}@${folderId}.iam.${universeDomain}`,
    client_id: serviceAccountId,
    auth_uri: `https://${address}/auth`,
    token_uri: `https://${address}/token`,
    universe_domain: universeDomain,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

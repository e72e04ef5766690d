import { create } from '@bufbuild/protobuf';
import { type Duration, EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { seenWith } from '../../access/scope.ts';
import { type Attachment, type AttachmentMode, attachedNouns, defaultMode } from '../../attachments/attachment.ts';
import type { CreateAttachment, CreatedAttachment } from '../../attachments/create-attachment.ts';
import type { ListAttachments } from '../../attachments/list-attachments.ts';
import { invalidField, notFound } from '../../errors.ts';
import {
  Attachment_Mode,
  type Attachment as AttachmentMessage,
  AttachmentSchema,
} from '../../gen/obraz/v1/attachment_pb.ts';
import {
  AttachmentService,
  type CreateAttachmentRequest,
  ListAttachmentsResponseSchema,
} from '../../gen/obraz/v1/attachment_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized, type FolderOf, unlessMissing } from '../authorized.ts';

/** What the service calls, with what it needs already bound; see attachments/. */
export interface AttachmentFunctions {
  createAttachment(request: CreateAttachment, by: { subjectId: string }): Promise<CreatedAttachment>;
  getAttachment(request: { attachmentId: string }): Promise<Attachment>;
  listAttachments(request: ListAttachments): Promise<{
    attachments: readonly Attachment[];
    nextPageToken: string;
  }>;
  deleteAttachment(request: { attachmentId: string }): Promise<void>;
}

export function attachmentService(attachments: AttachmentFunctions, folderOf: FolderOf): ApiService {
  /**
   * Who attached may detach. What is attached may be in another folder by now, or gone: then the attachment's own folder
   * says who else may.
   */
  const authorizeDetaching = async (id: string, authorize: Authorize): Promise<void> => {
    const found = await unlessMissing(() => attachments.getAttachment({ attachmentId: id }));
    const resource = found?.resource ?? { kind: 'disk', id };
    const place = (await unlessMissing(() => folderOf(resource))) ?? found;
    const seen = seenWith[attachedNouns[resource.kind]];
    await authorize({
      noun: 'Attachment',
      id,
      boundOn: resource.id,
      folderId: place?.folderId,
      seenWith: seen,
      ...(found === undefined ? {} : { createdBy: found.createdBy }),
    });
    if (found === undefined) throw notFound('Attachment', id);
  };
  return authenticatedService(AttachmentService, {
    async create(request, { subject, authorize }) {
      const resource = resourceOf(request);
      const mode = modes[request.mode] ?? defaultMode(resource.kind);
      const permission = mode === 'read-write' ? 'compute.disks.update' : seenWith[attachedNouns[resource.kind]];
      await authorized(authorize, attachedNouns[resource.kind], resource.id, () => folderOf(resource), permission);
      const wanted = { resource, mode, ttlMs: millisecondsOf(request.ttl) };
      const { attachment, uri } = await attachments.createAttachment(wanted, { subjectId: subject.id });
      return attachmentMessage(attachment, uri);
    },

    async list({ folderId, pageSize, pageToken }, { authorize }) {
      await authorize({ folderId });
      const page = await attachments.listAttachments({ folderId, pageSize: Number(pageSize), pageToken });
      return create(ListAttachmentsResponseSchema, {
        attachments: page.attachments.map((attachment) => attachmentMessage(attachment)),
        nextPageToken: page.nextPageToken,
      });
    },

    async delete({ attachmentId }, { authorize }) {
      await authorizeDetaching(attachmentId, authorize);
      await attachments.deleteAttachment({ attachmentId });
      return create(EmptySchema);
    },
  });
}

const modes: Readonly<Record<Attachment_Mode, AttachmentMode | undefined>> = {
  [Attachment_Mode.MODE_UNSPECIFIED]: undefined,
  [Attachment_Mode.READ_ONLY]: 'read-only',
  [Attachment_Mode.READ_WRITE]: 'read-write',
};

function resourceOf({ resource }: CreateAttachmentRequest): Attachment['resource'] {
  switch (resource.case) {
    case 'diskId':
      return { kind: 'disk', id: resource.value };
    case 'imageId':
      return { kind: 'image', id: resource.value };
    case 'snapshotId':
      return { kind: 'snapshot', id: resource.value };
    case undefined:
      throw invalidField('resource', 'one of disk_id, image_id and snapshot_id is required');
  }
}

function millisecondsOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + Math.trunc(duration.nanos / 1_000_000);
}

function attachmentMessage(attachment: Attachment, uri = ''): AttachmentMessage {
  const { kind, id } = attachment.resource;
  const { expiresAt } = attachment;
  return create(AttachmentSchema, {
    id: attachment.id,
    folderId: attachment.folderId,
    resource: { case: `${kind}Id`, value: id },
    mode: attachment.mode === 'read-write' ? Attachment_Mode.READ_WRITE : Attachment_Mode.READ_ONLY,
    createdAt: timestampFromDate(attachment.createdAt),
    createdBy: attachment.createdBy,
    ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
    uri,
  });
}

import { create } from '@bufbuild/protobuf';
import { EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Upload as UploadMessage, UploadSchema } from '../../gen/obraz/v1/upload_pb.ts';
import { ListUploadsResponseSchema, UploadService } from '../../gen/obraz/v1/upload_service_pb.ts';
import { uploadUri } from '../../lib/upload-uri.ts';
import type { AppendToUpload } from '../../uploads/append-to-upload.ts';
import type { CreateUpload } from '../../uploads/create-upload.ts';
import type { Upload } from '../../uploads/upload.ts';
import { filenameOf } from '../../uploads/upload-metadata.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the doors call, with what it needs already bound; see uploads/. Each is for the subject's own uploads only. */
export interface UploadFunctions {
  /** The longest file that is taken. */
  readonly maxLengthBytes: number;
  createUpload(request: CreateUpload, subjectId: string): Promise<Upload>;
  getUpload(request: { uploadId: string }, subjectId: string): Promise<Upload>;
  settleUpload(request: { uploadId: string }, subjectId: string): Promise<Upload>;
  listUploads(request: { folderId: string }, subjectId: string): Promise<Upload[]>;
  appendToUpload(request: AppendToUpload, subjectId: string): Promise<Upload>;
  deleteUpload(request: { uploadId: string }, subjectId: string): Promise<void>;
}

/** The part of uploads that needs no stream; rest/tus has the other. */
export function uploadService(uploads: UploadFunctions): ApiService {
  return authenticatedService(UploadService, {
    async get({ uploadId }, { subject, authorize }) {
      const upload = await uploads.getUpload({ uploadId }, subject.id);
      await authorize({ folderId: upload.folderId });
      return uploadMessage(upload);
    },

    async list({ folderId }, { subject, authorize }) {
      await authorize({ folderId });
      const all = await uploads.listUploads({ folderId }, subject.id);
      return create(ListUploadsResponseSchema, { uploads: all.map(uploadMessage) });
    },

    async delete({ uploadId }, { subject, authorize }) {
      const { folderId } = await uploads.getUpload({ uploadId }, subject.id);
      await authorize({ folderId });
      await uploads.deleteUpload({ uploadId }, subject.id);
      return create(EmptySchema);
    },
  });
}

function uploadMessage(upload: Upload): UploadMessage {
  return create(UploadSchema, {
    id: upload.id,
    folderId: upload.folderId,
    createdAt: timestampFromDate(upload.createdAt),
    createdBy: upload.createdBy,
    filename: filenameOf(upload),
    length: BigInt(upload.lengthBytes),
    offset: BigInt(upload.durableBytes),
    expiresAt: timestampFromDate(upload.expiresAt),
    operationId: upload.operationId ?? '',
    uri: uploadUri(upload.id),
  });
}

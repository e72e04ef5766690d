import { create } from '@bufbuild/protobuf';
import type { Permission } from '../../../access/permissions.ts';
import {
  ImageFamilyViewSchema,
  ImageListSchema,
  type Image as ImageMessage,
  ImageSchema,
} from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import { ImageFamilyViews, Images } from '../../../gen/google/cloud/compute/v1/image_service_pb.ts';
import type { ImageChange } from '../../../images/change-image.ts';
import type { Image } from '../../../images/image.ts';
import type { ApiService } from '../../api-service.ts';
import type { Call } from '../../call.ts';
import type { FolderImageFunctions } from '../../folder-functions.ts';
import type { BindingFunctions } from '../../yandex/access-binding-handlers.ts';
import type { ImageFunctions } from '../../yandex/image-service.ts';
import { told } from '../compute-errors.ts';
import { computeService } from '../compute-service.ts';
import { type AskedList, computeList } from '../list/compute-list.ts';
import { familyPath, imagePath, type Link } from '../naming/links.ts';
import { findNamed, type Opening, permissionOf } from '../naming/named-resource.ts';
import { checkReference } from '../naming/names.ts';
import { findProject, openListed, openProject, type Project, type ProjectFunctions } from '../naming/projects.ts';
import { beginOperation } from '../operations/begin-operation.ts';
import { getPolicy, setPolicy, testPermissions } from '../policies/resource-policy.ts';
import { checkFingerprint } from '../resources/label-fingerprint.ts';
import {
  architectureOf,
  checkDescription,
  checkFamily,
  checkLabels,
  deprecationOf,
} from '../resources/resource-fields.ts';
import type { FindSource } from './find-source.ts';
import { imageMessage } from './image-message.ts';
import { createImageOf } from './image-request.ts';
import { type InitialStates, initialStatesOf } from './initial-states.ts';

/** What the services call, with what it needs already bound; see images/. */
export type ComputeImageFunctions = FolderImageFunctions &
  Pick<ImageFunctions, 'createImage' | 'getLatestByFamily' | 'listImages' | 'deleteImage'>;

export interface ComputeImageDeps {
  readonly images: ComputeImageFunctions;
  readonly projects: ProjectFunctions;
  readonly bindings: BindingFunctions;
  readonly findSource: FindSource;
  readonly link: Link;
}

/** Images and their families. */
export function imageServices(deps: ComputeImageDeps): ApiService[] {
  const { images, projects, bindings, findSource, link } = deps;

  /** The image that a request names, once the caller may do with it what the method does, or has the permission given. */
  const open = async (projectName: string, name: string, call: Call, { field = 'image', permission }: Opening = {}) => {
    checkReference(field, name);
    const project = await findProject(projects, projectName, call);
    const { folderId } = project;
    const path = imagePath(projectName, name);
    const find = () => images.findImageInFolder({ folderId, reference: name });
    const image = await findNamed({ noun: 'Image', name, path, find }, call, permission);
    return { project, image, path };
  };

  const messageOf = (image: Image, project: Project, states: InitialStates): ImageMessage => {
    const message = imageMessage(image, project, link);
    const state = states.byImage.get(image.id);
    if (state !== undefined) message.shieldedInstanceInitialState = state;
    return message;
  };

  const one = async (image: Image, project: Project): Promise<ImageMessage> =>
    messageOf(image, project, await initialStatesOf(images, [image.id]));

  /** A page with all that there is of its images. It is cut where that would be too much for one reply. */
  const wholePage = async (asked: AskedList, path: string, project: Project) => {
    const read = async (maxResults: number | undefined) => {
      const page = await computeList(
        { ...asked, maxResults },
        {
          path,
          folderId: project.folderId,
          schema: ImageSchema,
          messageOf: (image: Image) => imageMessage(image, project, link),
          async fetch(request) {
            const { images: items, nextPageToken } = await images.listImages(request);
            return { items, nextPageToken };
          },
        },
      );
      const ids = page.items.map(({ id }) => id);
      return { page, states: await initialStatesOf(images, ids) };
    };
    const asFits = async () => {
      const whole = await read(asked.maxResults);
      const { fitting } = whole.states;
      return fitting === whole.page.items.length ? whole : await read(fitting);
    };
    const { page, states } = await asFits();
    return {
      items: page.items.map((image) => messageOf(image, project, states)),
      ...(page.nextPageToken === '' ? {} : { nextPageToken: page.nextPageToken }),
    };
  };

  const latest = async (projectName: string, family: string, call: Call): Promise<ImageMessage> => {
    checkReference('family', family);
    const project = await findProject(projects, projectName, call);
    const { folderId } = project;
    const about = { path: familyPath(projectName, family), permission: permissionOf(call.caller.method) };
    return await told(about, async () => {
      await call.authorize({ folderId });
      return await one(await images.getLatestByFamily({ folderId, family }), project);
    });
  };

  const change = async (
    opened: { readonly project: Project; readonly image: Image; readonly path: string },
    what: ImageChange,
    call: Call,
    check?: (image: Image) => void,
  ) => {
    const request = { imageId: opened.image.id, change: what, ...(check === undefined ? {} : { check }) };
    return await beginOperation(opened, call, link, () => images.changeImage(request, call.caller));
  };

  return [
    computeService(
      Images,
      {
        async get({ project, image }, call) {
          const found = await open(project, image, call);
          return await one(found.image, found.project);
        },

        getFromFamily: ({ project, family }, call) => latest(project, family, call),

        async insert({ project: projectName, imageResource, forceCreate = false }, call) {
          const project = await openProject(projects, projectName, call);
          const request = await createImageOf(imageResource, { project, forceCreate, call, findSource });
          const path = imagePath(projectName, request.name);
          return await beginOperation({ project, path }, call, link, () => images.createImage(request, call.caller));
        },

        async list({ project: projectName, ...asked }, call) {
          const project = await openListed(projects, projectName, call);
          const path = `projects/${projectName}/global/images`;
          const page = project === undefined ? {} : await wholePage(asked, path, project);
          return create(ImageListSchema, { kind: 'compute#imageList', id: path, ...page, selfLink: link(path) });
        },

        async delete({ project, image }, call) {
          const found = await open(project, image, call);
          const request = { imageId: found.image.id };
          return await beginOperation(found, call, link, () => images.deleteImage(request, call.caller));
        },

        async deprecate({ project, image, deprecationStatusResource }, call) {
          const deprecation = deprecationOf(deprecationStatusResource) ?? null;
          return await change(await open(project, image, call), { deprecation }, call);
        },

        async patch({ project, image, imageResource }, call) {
          const { description, family, deprecated, architecture } = imageResource ?? {};
          const wanted = architectureOf(architecture);
          const what: ImageChange = {
            ...(description === undefined ? {} : { description: checkDescription(description) }),
            ...(family === undefined ? {} : { family: checkFamily(family) }),
            ...(deprecated === undefined ? {} : { deprecation: deprecationOf(deprecated) ?? null }),
            ...(wanted === undefined ? {} : { architecture: wanted }),
          };
          return await change(await open(project, image, call), what, call);
        },

        async setLabels({ project, resource, globalSetLabelsRequestResource }, call) {
          const { labels = {}, labelFingerprint } = globalSetLabelsRequestResource ?? {};
          const found = await open(project, resource, call, { field: 'resource' });
          const what = { labels: checkLabels(labels) };
          return await change(found, what, call, (image) => checkFingerprint(labelFingerprint, image.labels));
        },

        async getIamPolicy({ project, resource }, call) {
          const { image } = await open(project, resource, call, { field: 'resource' });
          return await getPolicy(bindings, image.id);
        },

        async setIamPolicy({ project, resource, globalSetPolicyRequestResource: wanted }, call) {
          const { image } = await open(project, resource, call, { field: 'resource' });
          return await setPolicy(bindings, { noun: 'Image', id: image.id }, wanted, call);
        },

        async testIamPermissions({ project, resource, testPermissionsRequestResource: asked }, call) {
          const ask = (permission?: Permission) => open(project, resource, call, { field: 'resource', permission });
          await ask();
          return await testPermissions(asked, call, ask);
        },
      },
      link,
    ),
    computeService(
      ImageFamilyViews,
      {
        async get({ project, family }, call) {
          return create(ImageFamilyViewSchema, { image: await latest(project, family, call) });
        },
      },
      link,
    ),
  ];
}

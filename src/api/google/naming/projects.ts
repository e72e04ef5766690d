import type { Subject } from '../../../access/subject.ts';
import { ServiceError } from '../../../errors.ts';
import type { Call } from '../../call.ts';
import { invalidValue, resourceNotFound, told } from '../compute-errors.ts';
import { permissionOf } from './named-resource.ts';
import { checkProject } from './names.ts';

/** What the public service calls a project is a folder. */
export interface Project {
  readonly folderId: string;
  /** As the request has it, and links in replies, too: the folder's id, or its name. */
  readonly name: string;
}

export interface ProjectFunctions {
  /** The folder of that id, or those of that name that the subject may see; see folders/find-folders-called.ts. */
  findFoldersCalled(idOrName: string, subject: Subject): Promise<readonly { readonly id: string }[]>;
}

/**
 * The project that a request names, by the folder's id, or by its name where that is the name of one folder alone that the
 * caller may see. One that is not there is given back as a folder of that id, to be asked about like one that is.
 */
export async function findProject(
  { findFoldersCalled }: ProjectFunctions,
  name: string,
  { subject }: Pick<Call, 'subject'>,
): Promise<Project & { readonly exists: boolean }> {
  checkProject(name);
  const [folder, another] = await findFoldersCalled(name, subject);
  if (another !== undefined) {
    throw invalidValue('project', name, 'Several folders have this name: give the id of the one that is meant.');
  }
  return { folderId: folder?.id ?? name, name, exists: folder !== undefined };
}

/** The project that something is to be done in, once the caller may do there what the method does. */
export async function openProject(
  functions: ProjectFunctions,
  name: string,
  call: Pick<Call, 'subject' | 'authorize' | 'caller'>,
): Promise<Project> {
  const { exists, ...project } = await findProject(functions, name, call);
  const path = `projects/${name}`;
  const permission = permissionOf(call.caller.method);
  await told({ path, permission }, () => call.authorize({ folderId: project.folderId }, permission));
  if (!exists) throw resourceNotFound(path);
  return project;
}

/** Where the public service has the images of systems' makers; clients list them all along with a user's own. */
const publicProjects: ReadonlySet<string> = new Set([
  'centos-cloud',
  'cos-cloud',
  'debian-cloud',
  'fedora-cloud',
  'fedora-coreos-cloud',
  'opensuse-cloud',
  'oracle-linux-cloud',
  'rhel-cloud',
  'rhel-sap-cloud',
  'rocky-linux-accelerator-cloud',
  'rocky-linux-cloud',
  'suse-cloud',
  'suse-sap-cloud',
  'ubuntu-os-accelerator-images',
  'ubuntu-os-cloud',
  'ubuntu-os-pro-cloud',
  'windows-cloud',
  'windows-sql-cloud',
]);

/** As openProject, for lists: undefined for a project that every client lists, and that nobody made here. */
export async function openListed(
  functions: ProjectFunctions,
  name: string,
  call: Pick<Call, 'subject' | 'authorize' | 'caller'>,
): Promise<Project | undefined> {
  try {
    return await openProject(functions, name, call);
  } catch (error) {
    const isMissing = error instanceof ServiceError && ['NOT_FOUND', 'PERMISSION_DENIED'].includes(error.code);
    if (isMissing && publicProjects.has(name)) return undefined;
    throw error;
  }
}

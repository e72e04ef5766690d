/**
 * Where our contract differs from the public API on purpose; docs/compatibility.md says so, too. The rest is held to be
 * the same, line by line, by public-api.test.ts.
 */

/** What the public API has and we do not, by the beginning of its line in public-api.txt, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  'yandex.cloud.compute.v1.DiskService.ListSnapshotSchedules': 'there are no schedules of snapshots',
  'yandex.cloud.compute.v1.Generation2HardwareFeatures': 'of machines; the message is kept, its fields are skipped',
  'yandex.cloud.iam.v1.Key 9 last_used_at': 'the use of keys is not recorded',
  'yandex.cloud.iam.v1.awscompatibility.AccessKey 7 last_used_at': 'the use of keys is not recorded',
  'yandex.cloud.iam.v1.ServiceAccount 7 last_authenticated_at': 'not recorded',
  'yandex.cloud.iam.v1.ServiceAccount 9 expires_at': 'accounts do not expire',
  'yandex.cloud.iam.v1.ServiceAccountService.ListAccessBindings':
    'there are no bindings on service accounts: roles are bound on clouds, folders and resources',
  'yandex.cloud.iam.v1.ServiceAccountService.SetAccessBindings':
    'there are no bindings on service accounts: roles are bound on clouds, folders and resources',
  'yandex.cloud.iam.v1.ServiceAccountService.UpdateAccessBindings':
    'there are no bindings on service accounts: roles are bound on clouds, folders and resources',
  'yandex.cloud.iam.v1.ServiceAccountService.Suspend': 'an account is deleted, or its keys are',
  'yandex.cloud.iam.v1.ServiceAccountService.Reactivate': 'an account is deleted, or its keys are',
  'yandex.cloud.iam.v1.UserAccount 3 saml_user_account': 'there are no federations',
  'yandex.cloud.iam.v1.UserAccount 4 last_authenticated_at': 'not recorded',
  'yandex.cloud.resourcemanager.v1.CloudService.ListAccessPolicyBindings': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.CloudService.BindAccessPolicy': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.CloudService.UnbindAccessPolicy': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.CloudService.UpdateAccessPolicyBindingParameters': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.FolderService.ListAccessPolicyBindings': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.FolderService.BindAccessPolicy': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.FolderService.UnbindAccessPolicy': 'there are roles and no policies',
  'yandex.cloud.resourcemanager.v1.FolderService.UpdateAccessPolicyBindingParameters':
    'there are roles and no policies',
};

/** Our own fields have numbers from here on, far from where the public API grows: its clients skip them. */
export const firstOwnNumber = 1000;

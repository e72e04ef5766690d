/**
 * Where our contract differs from the public Compute Engine API on purpose; docs/compatibility.md says so, too. The rest is
 * held to be the same, line by line, by public-api.test.ts.
 */

const replication = 'disks are not replicated';
const policies = 'there are no policies of resources';
const instant = 'there are no instant snapshots';
const schedules = 'there are no schedules of snapshots';
const sharedNetworks = 'of networks that projects share';
const ofTheProject = 'of machines, networks and bills';
const keys = 'there are no keys of KMS';
const many = 'one at a time';
const notSaid = 'not known here, and so not said';

/** What the public API has and we do not, by `Message field` or `Service.Method`, and why. */
const byName: Readonly<Record<string, string>> = {
  'Disk 180517533 async_primary_disk': replication,
  'Disk 322925608 async_secondary_disks': replication,
  'Disk 350519505 location_hint': notSaid,
  'Disk 249429315 resource_status': replication,
  'Disk 19616093 source_consistency_group_policy': policies,
  'Disk 267568957 source_consistency_group_policy_id': policies,
  'Disk 219202054 source_instant_snapshot': instant,
  'Disk 287582708 source_instant_snapshot_id': instant,
  'DiskType 515138995 deprecated': 'types do not change by themselves',
  'DiskType 138946292 region': 'types are of zones',
  'Disks.AddResourcePolicies': policies,
  'Disks.BulkInsert': many,
  'Disks.BulkSetLabels': many,
  'Disks.RemoveResourcePolicies': policies,
  'Disks.StartAsyncReplication': replication,
  'Disks.StopAsyncReplication': replication,
  'Disks.StopGroupAsyncReplication': replication,
  'Disks.UpdateKmsKey': keys,
  'Operation 303911457 get_health_operation_metadata': ofTheProject,
  'Operation 173230167 get_version_operation_metadata': ofTheProject,
  'Operation 89146177 instances_bulk_insert_operation_metadata': ofTheProject,
  'Operation 40171187 operation_group_id': many,
  'Operation 490378980 set_common_instance_metadata_operation_metadata': ofTheProject,
  'Policy 328080653 audit_configs': 'who did what is recorded for every resource',
  'Project 4427052 cloud_armor_tier': ofTheProject,
  'Project 185794117 common_instance_metadata': ofTheProject,
  'Project 471753361 default_network_tier': ofTheProject,
  'Project 298712229 default_service_account': ofTheProject,
  'Project 469017467 enabled_features': ofTheProject,
  'Project 125341947 quotas': 'quotas are those of clouds: `obraz quota list`',
  'Project 347543874 usage_export_location': ofTheProject,
  'Project 58856370 vm_dns_setting': ofTheProject,
  'Project 228419265 xpn_project_status': sharedNetworks,
  'Projects.DisableXpnHost': sharedNetworks,
  'Projects.DisableXpnResource': sharedNetworks,
  'Projects.EnableXpnHost': sharedNetworks,
  'Projects.EnableXpnResource': sharedNetworks,
  'Projects.GetXpnHost': sharedNetworks,
  'Projects.GetXpnResources': sharedNetworks,
  'Projects.ListXpnHosts': sharedNetworks,
  'Projects.MoveDisk': 'disks are moved by the other API, `obraz disk relocate`',
  'Projects.MoveInstance': ofTheProject,
  'Projects.SetCloudArmorTier': ofTheProject,
  'Projects.SetCommonInstanceMetadata': ofTheProject,
  'Projects.SetDefaultNetworkTier': ofTheProject,
  'Projects.SetUsageExportBucket': ofTheProject,
  'QuotaExceededInfo 456564287 future_limit': 'a new limit counts at once',
  'QuotaExceededInfo 476426816 rollout_status': 'a new limit counts at once',
  'Snapshot 125400077 creation_size_bytes': notSaid,
  'Snapshot 350519505 location_hint': notSaid,
  'Snapshot 78313862 params': 'there are no tags of resources',
  'Snapshot 138946292 region': 'snapshots are in no region',
  'Snapshot 255004406 snapshot_group_id': many,
  'Snapshot 246247846 snapshot_group_name': many,
  'Snapshot 359837950 source_disk_for_recovery_checkpoint': replication,
  'Snapshot 219202054 source_instant_snapshot': instant,
  'Snapshot 436536060 source_instant_snapshot_encryption_key': instant,
  'Snapshot 287582708 source_instant_snapshot_id': instant,
  'Snapshot 235756291 source_snapshot_schedule_policy': schedules,
  'Snapshot 70489047 source_snapshot_schedule_policy_id': schedules,
  'Snapshots.UpdateKmsKey': keys,
  'Zone 175536531 available_cpu_platforms': ofTheProject,
  'Zone 515138995 deprecated': 'zones do not change by themselves',
  'Zone 249429315 resource_status': notSaid,
  'Zone 83983214 supports_pzs': notSaid,
};

/** The same by the beginning of its line in public-compute-api.txt. */
export const leftOutOfCompute: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(byName).map(([name, why]) => [`google.cloud.compute.v1.${name}`, why]),
);

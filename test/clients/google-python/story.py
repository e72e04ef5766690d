"""The story of test/clients/google/steps.ts, told with google-cloud-compute as its users write it.

Nothing in the client is changed: it is given an endpoint, and a token or a key file. It waits with the client of operations
that it was given the endpoint for, too: `result()` of what `insert` and others return makes one of its own, which goes
to the public service wherever the first one was told to go. Prints `did: STEP` after each step; any other end is a failure.
"""

import os
import uuid

from google.api_core.exceptions import BadRequest, NotFound, PreconditionFailed
from google.cloud import compute_v1 as compute
from google.oauth2 import credentials, service_account

endpoint = os.environ["STORY_ENDPOINT"]
project = os.environ["STORY_PROJECT"]
zone = os.environ["STORY_ZONE"]
key_file = os.environ.get("STORY_KEY_FILE")
self_links = f"https://www.googleapis.com/compute/v1/projects/{project}"
raw_disk = compute.RawDisk(source=os.environ["STORY_SOURCE"])


def open_options():
    options = {"api_endpoint": f"https://{endpoint}"}
    if key_file is None:
        return {"client_options": options, "credentials": credentials.Credentials(os.environ["STORY_TOKEN"])}
    options["universe_domain"] = "obraz.internal"
    return {
        "client_options": options,
        "credentials": service_account.Credentials.from_service_account_file(key_file),
    }


options = open_options()
images = compute.ImagesClient(**options)
views = compute.ImageFamilyViewsClient(**options)
disks = compute.DisksClient(**options)
snapshots = compute.SnapshotsClient(**options)
zones = compute.ZonesClient(**options)
global_operations = compute.GlobalOperationsClient(**options)
zone_operations = compute.ZoneOperationsClient(**options)


def did(step):
    print(f"did: {step}", flush=True)


def refuses(error, text, call):
    try:
        call()
    except error as refused:
        assert text in str(refused), refused
        return
    raise AssertionError(f"{text}: it was not refused")


def finish(operation):
    while operation.status != compute.Operation.Status.DONE:
        asked = {"project": project, "operation": operation.name}
        if operation.zone:
            operation = zone_operations.wait(zone=zone, **asked)
        else:
            operation = global_operations.wait(**asked)
    return operation


def succeed(started):
    operation = finish(started)
    assert not operation.error.errors and not operation.http_error_status_code, operation
    assert operation.progress == 100


def get_image(name):
    return images.get(project=project, image=name)


def insert_image(**resource):
    succeed(images.insert_unary(project=project, image_resource=compute.Image(**resource)))
    image = get_image(resource["name"])
    assert image.status == "READY", image
    return image


def names(**request):
    return [image.name for image in images.list(compute.ListImagesRequest(project=project, **request))]


assert names() == []
did("access-token" if key_file is None else "key-file")

asked = {"family": "tale", "description": "of Python", "raw_disk": raw_disk}
labels = {"made": "by-python"}
image = insert_image(
    name="story",
    labels=labels,
    guest_os_features=[compute.GuestOsFeature(type_="GVNIC")],
    storage_locations=["eu"],
    **asked,
)
assert image.self_link == f"{self_links}/global/images/story"
assert (image.disk_size_gb, image.family, dict(image.labels)) == (1, "tale", labels)
assert [feature.type_ for feature in image.guest_os_features] == ["GVNIC"]
assert list(image.storage_locations) == ["eu"]
did("insert")

assert get_image(str(image.id)) == image
refuses(NotFound, "global/images/nothing' was not found", lambda: get_image("nothing"))
did("get")

insert_image(name="story-2", **asked)
assert names() == ["story", "story-2"]
assert names(max_results=1) == ["story", "story-2"]
assert names(order_by="creationTimestamp desc") == ["story-2", "story"]
assert names(filter='name eq ".*-2"') == ["story-2"]
assert names(filter="labels.made = by-python") == ["story"]
assert names(filter="deprecated.state != DEPRECATED") == ["story", "story-2"]
refuses(BadRequest, "Invalid list filter expression", lambda: names(filter="name ~ x"))
did("list")


def latest():
    return images.get_from_family(project=project, family="tale").name


assert latest() == "story-2"
assert views.get(project=project, zone=zone, family="tale").image.name == "story-2"
did("family")

change = compute.Image(description="changed", family="legend")
succeed(images.patch_unary(project=project, image="story", image_resource=change))
patched = get_image("story")
assert (patched.description, patched.family, dict(patched.labels)) == ("changed", "legend", labels)
did("patch")


def set_labels(fingerprint, changed):
    request = compute.GlobalSetLabelsRequest(label_fingerprint=fingerprint, labels=changed)
    succeed(images.set_labels_unary(project=project, resource="story", global_set_labels_request_resource=request))


set_labels(patched.label_fingerprint, {"made": "again"})
assert dict(get_image("story").labels) == {"made": "again"}
refuses(PreconditionFailed, "Labels fingerprint either invalid", lambda: set_labels(patched.label_fingerprint, {}))
did("set-labels")


def deprecate(**status):
    request = compute.DeprecationStatus(**status)
    succeed(images.deprecate_unary(project=project, image="story-2", deprecation_status_resource=request))


deprecate(state="DEPRECATED", replacement=f"{self_links}/global/images/story")
assert get_image("story-2").deprecated.state == "DEPRECATED"
refuses(NotFound, "was not found", latest)
deprecate(state="ACTIVE")
assert latest() == "story-2"
did("deprecate")

policy = images.get_iam_policy(project=project, resource="story")
binding = compute.Binding(role="roles/compute.imageUser", members=["allAuthenticatedUsers"])
policy.bindings.append(binding)
request = compute.GlobalSetPolicyRequest(policy=policy)
images.set_iam_policy(project=project, resource="story", global_set_policy_request_resource=request)
changed = images.get_iam_policy(project=project, resource="story")
assert [(each.role, list(each.members)) for each in changed.bindings] == [(binding.role, list(binding.members))]
permissions = ["compute.images.get", "compute.images.delete"]
request = compute.TestPermissionsRequest(permissions=permissions)
tested = images.test_iam_permissions(project=project, resource="story", test_permissions_request_resource=request)
assert list(tested.permissions) == permissions
did("iam-policy")

twice = compute.InsertImageRequest(
    project=project, request_id=str(uuid.uuid4()), image_resource=compute.Image(name="twice", **asked)
)
first, second = images.insert_unary(twice), images.insert_unary(twice)
assert first.name == second.name
succeed(first)
did("request-id")

source = "global/images/story"
copy = insert_image(name="copy", source_image=source)
assert (copy.source_image, copy.source_image_id) == (image.self_link, str(image.id))
did("image-from-image")

assert zones.get(project=project, zone=zone).status == "UP"
new = compute.Disk(name="disk", size_gb=2, source_image=source)
succeed(disks.insert_unary(project=project, zone=zone, disk_resource=new))
resize = compute.DisksResizeRequest(size_gb=3)
succeed(disks.resize_unary(project=project, zone=zone, disk="disk", disks_resize_request_resource=resize))
disk = disks.get(project=project, zone=zone, disk="disk")
assert (disk.status, disk.size_gb, disk.source_image) == ("READY", 3, image.self_link)
assert [each.name for each in disks.list(project=project, zone=zone)] == ["disk"]
by_scope = dict(disks.aggregated_list(project=project))
assert [each.name for each in by_scope[f"zones/{zone}"].disks] == ["disk"]
did("disk")

new = compute.Snapshot(name="snapshot", source_disk=disk.self_link)
succeed(snapshots.insert_unary(project=project, snapshot_resource=new))
snapshot = snapshots.get(project=project, snapshot="snapshot")
assert (snapshot.status, snapshot.source_disk, snapshot.disk_size_gb) == ("READY", disk.self_link, 3)
did("snapshot")

insert_image(name="of-disk", source_disk=disk.self_link)
did("image-from-disk")
insert_image(name="of-snapshot", source_snapshot="global/snapshots/snapshot")
did("image-from-snapshot")

operations = list(global_operations.list(project=project))
insert = next(each for each in operations if each.operation_type == "insert")
for name in (insert.name, str(insert.id)):
    assert global_operations.get(project=project, operation=name).id == insert.id
did("operations")

wrong = compute.Image(name="wrong", raw_disk=compute.RawDisk(source=os.environ["STORY_WRONG_SOURCE"]))
failed = finish(images.insert_unary(project=project, image_resource=wrong))
assert [error.code for error in failed.error.errors] == ["INVALID_IMAGE_TAR"]
assert "It should be named ''disk.raw''" in failed.error.errors[0].message
assert (failed.http_error_status_code, failed.http_error_message) == (400, "BAD REQUEST")
refuses(NotFound, "was not found", lambda: get_image("wrong"))
did("failed-insert")

succeed(snapshots.delete_unary(project=project, snapshot="snapshot"))
succeed(disks.delete_unary(project=project, zone=zone, disk="disk"))
for name in names():
    succeed(images.delete_unary(project=project, image=name))
assert names() == []
refuses(NotFound, "was not found", lambda: get_image("story"))
did("delete")

"""The story of test/clients/story.ts, told with the SDK from PyPI as its users write it.

Nothing in the SDK is changed: it is given an endpoint, a CA and a token or a service account's key. Prints `did: STEP`
after each step; any other end is a failure.
"""

import json
import os

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from yandex.cloud.access.access_pb2 import (
    AccessBinding,
    AccessBindingDelta,
    ListAccessBindingsRequest,
    SetAccessBindingsMetadata,
    SetAccessBindingsRequest,
    Subject,
    UpdateAccessBindingsMetadata,
    UpdateAccessBindingsRequest,
)
from yandex.cloud.compute.v1 import disk_pb2, image_pb2, snapshot_pb2
from yandex.cloud.compute.v1 import disk_service_pb2 as disks
from yandex.cloud.compute.v1 import image_service_pb2 as images
from yandex.cloud.compute.v1 import snapshot_service_pb2 as snapshots
from yandex.cloud.compute.v1.disk_service_pb2_grpc import DiskServiceStub
from yandex.cloud.compute.v1.disk_type_service_pb2 import ListDiskTypesRequest
from yandex.cloud.compute.v1.disk_type_service_pb2_grpc import DiskTypeServiceStub
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.compute.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from yandex.cloud.compute.v1.zone_service_pb2 import ListZonesRequest
from yandex.cloud.compute.v1.zone_service_pb2_grpc import ZoneServiceStub
from yandex.cloud.endpoint.api_endpoint_service_pb2 import ListApiEndpointsRequest
from yandex.cloud.endpoint.api_endpoint_service_pb2_grpc import ApiEndpointServiceStub
from yandex.cloud.operation.operation_service_pb2 import CancelOperationRequest
from yandex.cloud.operation.operation_service_pb2_grpc import OperationServiceStub
from yandex.cloud.resourcemanager.v1.folder_service_pb2 import GetFolderRequest
from yandex.cloud.resourcemanager.v1.folder_service_pb2_grpc import FolderServiceStub

import yandexcloud

endpoint = os.environ["STORY_ENDPOINT"]
folder = os.environ["STORY_FOLDER"]


def open_sdk():
    with open(os.environ["STORY_CA"], "rb") as ca:
        trust = {"endpoint": endpoint, "root_certificates": ca.read()}
    if "STORY_KEY_FILE" in os.environ:
        with open(os.environ["STORY_KEY_FILE"], encoding="utf-8") as key:
            return yandexcloud.SDK(service_account_key=json.load(key), **trust)
    return yandexcloud.SDK(iam_token=os.environ["STORY_TOKEN"], **trust)


sdk = open_sdk()
image_client = sdk.client(ImageServiceStub)
disk_client = sdk.client(DiskServiceStub)
snapshot_client = sdk.client(SnapshotServiceStub)
operation_client = sdk.client(OperationServiceStub)


def did(step):
    print(f"did: {step}", flush=True)


def wait(operation, response_type, meta_type):
    """The SDK's own waiting; what it returns has the response and the metadata in their types."""
    return sdk.wait_operation_and_get_result(operation, response_type, meta_type, timeout=30)


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def refused(call, code, details):
    """The call fails with this code and these words."""
    try:
        call()
    except grpc.RpcError as error:
        equal(error.code(), code)
        equal(error.details(), details)
    else:
        raise AssertionError(f"{code} was expected")


def discover():
    reply = sdk.client(ApiEndpointServiceStub).List(ListApiEndpointsRequest())
    found = {each.id: each.address for each in reply.endpoints}
    for service in ("compute", "operation", "iam", "resource-manager"):
        equal(found[service], endpoint)
    did("discovery")


def authenticate():
    equal(sdk.client(FolderServiceStub).Get(GetFolderRequest(folder_id=folder)).name, "default")
    did("service-account-key" if "STORY_KEY_FILE" in os.environ else "iam-token")


def create_image(**fields):
    operation = image_client.Create(images.CreateImageRequest(folder_id=folder, **fields))
    result = wait(operation, image_pb2.Image, images.CreateImageMetadata)
    equal(result.meta.image_id, result.response.id)
    equal(result.response.status, image_pb2.Image.READY)
    return result.response


def create_from_uri():
    image = create_image(
        name="python-story",
        description="made by the SDK",
        labels={"made": "by-sdk"},
        family="python",
        uri=os.environ["STORY_SOURCE"],
        os=image_pb2.Os(type=image_pb2.Os.LINUX),
    )
    did("create-from-uri")
    equal(image_client.Get(images.GetImageRequest(image_id=image.id)), image)
    equal(dict(image.labels), {"made": "by-sdk"})
    did("get")
    return image


def update(image):
    request = images.UpdateImageRequest(
        image_id=image.id,
        update_mask=FieldMask(paths=["name", "description", "labels", "min_disk_size"]),
        name="python-story-2",
        description="changed",
        labels={"changed": ""},
        min_disk_size=4 * 2**40,
    )
    changed = wait(image_client.Update(request), image_pb2.Image, images.UpdateImageMetadata).response
    equal((changed.name, changed.description, changed.min_disk_size), ("python-story-2", "changed", 4 * 2**40))
    equal(dict(changed.labels), {"changed": ""})
    did("update")


def find(image):
    request = images.ListImagesRequest(folder_id=folder, filter='name = "python-story-2"')
    equal([each.id for each in image_client.List(request).images], [image.id])
    copies = [create_image(name=f"python-page-{n}", image_id=image.id).id for n in range(3)]
    did("image-from-image")
    seen, token = [], ""
    while True:
        request = images.ListImagesRequest(folder_id=folder, page_size=2, page_token=token)
        page = image_client.List(request)
        assert len(page.images) <= 2
        seen += [each.id for each in page.images]
        token = page.next_page_token
        if token == "":
            break
    assert len(seen) == len(set(seen)) and set(seen) >= {image.id, *copies}, seen
    for copy in copies:
        delete_image(copy)
    did("list")
    latest = images.GetImageLatestByFamilyRequest(folder_id=folder, family="python")
    equal(image_client.GetLatestByFamily(latest).id, image.id)
    did("latest-by-family")
    history = image_client.ListOperations(images.ListImageOperationsRequest(image_id=image.id)).operations
    equal([each.description for each in history], ["Update image", "Create image"])
    did("list-operations")


def make_disks(image):
    zone = sdk.client(ZoneServiceStub).List(ListZonesRequest()).zones[0].id
    disk_type = sdk.client(DiskTypeServiceStub).List(ListDiskTypesRequest()).disk_types[0].id
    request = disks.CreateDiskRequest(
        folder_id=folder, name="python-disk", zone_id=zone, type_id=disk_type, size=4 * 2**40, image_id=image.id
    )
    disk = wait(disk_client.Create(request), disk_pb2.Disk, disks.CreateDiskMetadata).response
    equal((disk.source_image_id, disk.size, disk.block_size), (image.id, 4 * 2**40, 4096))
    did("disk")
    request = snapshots.CreateSnapshotRequest(folder_id=folder, disk_id=disk.id, name="python-snapshot")
    snapshot = wait(snapshot_client.Create(request), snapshot_pb2.Snapshot, snapshots.CreateSnapshotMetadata).response
    equal((snapshot.source_disk_id, snapshot.disk_size), (disk.id, disk.size))
    did("snapshot")
    of_disk = create_image(name="python-of-disk", disk_id=disk.id)
    did("image-from-disk")
    of_snapshot = create_image(name="python-of-snapshot", snapshot_id=snapshot.id)
    did("image-from-snapshot")
    for made in (of_disk, of_snapshot):
        equal(made.min_disk_size, disk.size)
        delete_image(made.id)
    wait(
        snapshot_client.Delete(snapshots.DeleteSnapshotRequest(snapshot_id=snapshot.id)),
        Empty,
        snapshots.DeleteSnapshotMetadata,
    )
    wait(disk_client.Delete(disks.DeleteDiskRequest(disk_id=disk.id)), Empty, disks.DeleteDiskMetadata)


def bind(image):
    everybody = AccessBinding(
        role_id="compute.images.user", subject=Subject(id="allAuthenticatedUsers", type="system")
    )
    request = SetAccessBindingsRequest(resource_id=image.id, access_bindings=[everybody])
    wait(image_client.SetAccessBindings(request), None, SetAccessBindingsMetadata)
    listed = image_client.ListAccessBindings(ListAccessBindingsRequest(resource_id=image.id))
    equal(list(listed.access_bindings), [everybody])
    delta = AccessBindingDelta(action="REMOVE", access_binding=everybody)
    request = UpdateAccessBindingsRequest(resource_id=image.id, access_binding_deltas=[delta])
    wait(image_client.UpdateAccessBindings(request), None, UpdateAccessBindingsMetadata)
    equal(list(image_client.ListAccessBindings(ListAccessBindingsRequest(resource_id=image.id)).access_bindings), [])
    did("access-bindings")


def cancel():
    request = images.CreateImageRequest(folder_id=folder, uri=os.environ["STORY_SLOW_SOURCE"])
    operation = image_client.Create(request)
    cancelled = operation_client.Cancel(CancelOperationRequest(operation_id=operation.id))
    equal((cancelled.done, cancelled.error.code), (True, grpc.StatusCode.CANCELLED.value[0]))
    try:
        wait(operation, image_pb2.Image, images.CreateImageMetadata)
    except yandexcloud.operations.OperationError as error:
        assert "Error code: 1." in error.message, error.message
    else:
        raise AssertionError("a cancelled operation has no result")
    did("cancel")


def fail():
    request = images.CreateImageRequest(folder_id=folder, uri=os.environ["STORY_MISSING_SOURCE"])
    try:
        wait(image_client.Create(request), image_pb2.Image, images.CreateImageMetadata)
    except yandexcloud.operations.OperationError as error:
        assert "Error code: 5." in error.message and "404" in error.message, error.message
    else:
        raise AssertionError("nothing was at that address")
    did("failed-import")


def delete_image(image_id):
    request = images.DeleteImageRequest(image_id=image_id)
    wait(image_client.Delete(request), Empty, images.DeleteImageMetadata)


def delete(image):
    delete_image(image.id)
    request = images.GetImageRequest(image_id=image.id)
    refused(lambda: image_client.Get(request), grpc.StatusCode.NOT_FOUND, f'Image "{image.id}" not found')
    did("delete")


discover()
authenticate()
made = create_from_uri()
update(made)
find(made)
make_disks(made)
bind(made)
cancel()
fail()
delete(made)

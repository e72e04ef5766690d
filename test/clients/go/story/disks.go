package story

import (
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

func (t teller) makeDisks(image *compute.Image) {
	zone := Must(t.Zones.List(t.ctx, &compute.ListZonesRequest{})).Zones[0]
	kind := Must(t.DiskTypes.List(t.ctx, &compute.ListDiskTypesRequest{})).DiskTypes[0]
	started := Must(t.Disks.Create(t.ctx, &compute.CreateDiskRequest{
		FolderId: t.Folder,
		Name:     t.name,
		ZoneId:   zone.Id,
		TypeId:   kind.Id,
		Size:     4 << 40,
		Source:   &compute.CreateDiskRequest_ImageId{ImageId: image.Id},
	}))
	disk := Must(t.Wait(t.ctx, started, Outcome{&compute.CreateDiskMetadata{}, &compute.Disk{}})).Response.(*compute.Disk)
	equal(disk.GetSourceImageId(), image.Id)
	equal(disk.Size, int64(4<<40))
	equal(disk.BlockSize, int64(4096))
	did("disk")

	started = Must(t.Snapshots.Create(t.ctx, &compute.CreateSnapshotRequest{
		FolderId: t.Folder,
		DiskId:   disk.Id,
		Name:     t.name,
	}))
	snapshot := Must(t.Wait(t.ctx, started,
		Outcome{&compute.CreateSnapshotMetadata{}, &compute.Snapshot{}})).Response.(*compute.Snapshot)
	equal(snapshot.SourceDiskId, disk.Id)
	equal(snapshot.DiskSize, disk.Size)
	did("snapshot")

	ofDisk := t.createImage(&compute.CreateImageRequest{Source: &compute.CreateImageRequest_DiskId{DiskId: disk.Id}})
	did("image-from-disk")
	source := &compute.CreateImageRequest_SnapshotId{SnapshotId: snapshot.Id}
	ofSnapshot := t.createImage(&compute.CreateImageRequest{Source: source})
	did("image-from-snapshot")
	for _, made := range []*compute.Image{ofDisk, ofSnapshot} {
		equal(made.MinDiskSize, disk.Size)
		t.deleteImage(made.Id)
	}

	started = Must(t.Snapshots.Delete(t.ctx, &compute.DeleteSnapshotRequest{SnapshotId: snapshot.Id}))
	Must(t.Wait(t.ctx, started, Outcome{&compute.DeleteSnapshotMetadata{}, &emptypb.Empty{}}))
	started = Must(t.Disks.Delete(t.ctx, &compute.DeleteDiskRequest{DiskId: disk.Id}))
	Must(t.Wait(t.ctx, started, Outcome{&compute.DeleteDiskMetadata{}, &emptypb.Empty{}}))
}

func (t teller) deleteImage(id string) {
	started := Must(t.Images.Delete(t.ctx, &compute.DeleteImageRequest{ImageId: id}))
	Must(t.Wait(t.ctx, started, Outcome{&compute.DeleteImageMetadata{}, &emptypb.Empty{}}))
}

func (t teller) delete(image *compute.Image) {
	t.deleteImage(image.Id)
	_, err := t.Images.Get(t.ctx, &compute.GetImageRequest{ImageId: image.Id})
	equal(status.Code(err), codes.NotFound)
	equal(status.Convert(err).Message(), fmt.Sprintf("Image %q not found", image.Id))
	did("delete")
}

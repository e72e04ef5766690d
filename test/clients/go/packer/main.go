// The story as far as Packer's plugin goes without machines: its own driver finds images and cleans up; what a build
// asks for in between (a disk of the image, an image of the disk) is asked of the SDK that the driver holds.
package main

import (
	"context"
	"log"
	"os"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
	"github.com/hashicorp/packer-plugin-yandex/builder/yandex"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

var (
	folder  = os.Getenv("STORY_FOLDER")
	service = os.Getenv("STORY_ENDPOINT")
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	config := yandex.AccessConfig{
		Endpoint:              service,
		Token:                 os.Getenv("STORY_TOKEN"),
		ServiceAccountKeyFile: os.Getenv("STORY_KEY_FILE"),
	}
	for _, err := range config.Prepare(&interpolate.Context{}) {
		check(err)
	}
	driver := must(yandex.NewDriverYC(&packersdk.BasicUi{Writer: os.Stderr, ErrorWriter: os.Stderr}, &config))
	sdk := driver.SDK()
	found := must(sdk.ApiEndpoint().ApiEndpoint().Get(ctx, &endpoint.GetApiEndpointRequest{ApiEndpointId: "compute"}))
	equal(found.Address, service)
	did("discovery")

	wait := func(started *operation.Operation, err error) proto.Message {
		waited := must(sdk.WrapOperation(started, err))
		check(waited.Wait(ctx))
		return must(waited.Response())
	}

	images := sdk.Compute().Image()
	source := wait(images.Create(ctx, &compute.CreateImageRequest{
		FolderId: folder,
		Name:     "packer",
		Family:   "packer",
		Source:   &compute.CreateImageRequest_Uri{Uri: os.Getenv("STORY_SOURCE")},
	})).(*compute.Image)
	if config.Token != "" {
		did("iam-token")
	} else {
		did("service-account-key")
	}
	did("create-from-uri")

	equal(must(driver.GetImage(source.Id)).Name, "packer")
	did("get")
	equal(must(driver.GetImageFromFolderByName(ctx, folder, "packer")).ID, source.Id)
	did("list")
	equal(must(driver.GetImageFromFolder(ctx, folder, "packer")).ID, source.Id)
	did("latest-by-family")

	disk := wait(sdk.Compute().Disk().Create(ctx, &compute.CreateDiskRequest{
		FolderId: folder,
		ZoneId:   "ru-central1-a",
		TypeId:   "network-ssd",
		Size:     10 << 30,
		Source:   &compute.CreateDiskRequest_ImageId{ImageId: source.Id},
	})).(*compute.Disk)
	did("disk")
	made := wait(images.Create(ctx, &compute.CreateImageRequest{
		FolderId:    folder,
		Name:        "packed",
		MinDiskSize: 10 << 30,
		Source:      &compute.CreateImageRequest_DiskId{DiskId: disk.Id},
	})).(*compute.Image)
	equal(made.MinDiskSize, int64(10<<30))
	did("image-from-disk")

	check(driver.DeleteDisk(ctx, disk.Id))
	for _, id := range []string{made.Id, source.Id} {
		check(driver.DeleteImage(id))
	}
	if _, err := driver.GetImage(source.Id); err == nil {
		log.Panic("the image is still there")
	}
	did("delete")
}

func did(step string) { os.Stdout.WriteString("did: " + step + "\n") }

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func equal[T comparable](actual, expected T) {
	if actual != expected {
		log.Panicf("%v is not %v", actual, expected)
	}
}

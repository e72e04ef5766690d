// Package story does what test/clients/steps.ts lists, through whatever SDK it is given: the two SDKs differ in how they
// find the services, say who calls and wait, and share the clients of the services. It prints "did: STEP" after each step.
package story

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Cloud is a cloud as an SDK shows it.
type Cloud struct {
	Images     compute.ImageServiceClient
	Disks      compute.DiskServiceClient
	Snapshots  compute.SnapshotServiceClient
	Zones      compute.ZoneServiceClient
	DiskTypes  compute.DiskTypeServiceClient
	Folders    resourcemanager.FolderServiceClient
	Operations operation.OperationServiceClient
	// Address is where the SDK was told that the service with this id is.
	Address func(ctx context.Context, id string) (string, error)
	// Wait waits for the operation in the SDK's own way. Metadata and response are of the types that are wanted.
	Wait func(ctx context.Context, started *operation.Operation, wanted Outcome) (Outcome, error)
}

// Outcome is what an operation has to say in the end.
type Outcome struct{ Metadata, Response proto.Message }

// From reads the variables of test/clients/run-story.ts.
type From struct{ Endpoint, Folder, Token, KeyFile string }

// Environment is what the test says of the service.
func Environment() From {
	return From{
		Endpoint: os.Getenv("STORY_ENDPOINT"),
		Folder:   os.Getenv("STORY_FOLDER"),
		Token:    os.Getenv("STORY_TOKEN"),
		KeyFile:  os.Getenv("STORY_KEY_FILE"),
	}
}

// Check ends the program when there was an error.
func Check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

// Must returns the value, or ends the program.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

type teller struct {
	Cloud
	From
	ctx  context.Context
	name string
}

// Tell does every step with the cloud; name goes into the names of what it makes.
func Tell(name string, from From, cloud Cloud) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	t := teller{Cloud: cloud, From: from, ctx: ctx, name: name}
	t.discover()
	t.authenticate()
	image := t.createFromURI()
	t.update(image)
	t.find(image)
	t.makeDisks(image)
	t.bind(image)
	t.cancel()
	t.fail()
	t.delete(image)
}

func did(step string) { fmt.Println("did:", step) }

func equal[T comparable](actual, expected T) {
	if actual != expected {
		log.Panicf("%v is not %v", actual, expected)
	}
}

func (t teller) discover() {
	for _, id := range []string{"compute", "operation", "iam", "resource-manager"} {
		equal(Must(t.Address(t.ctx, id)), t.Endpoint)
	}
	did("discovery")
}

func (t teller) authenticate() {
	folder := Must(t.Folders.Get(t.ctx, &resourcemanager.GetFolderRequest{FolderId: t.Folder}))
	equal(folder.Name, "default")
	if t.KeyFile != "" {
		did("service-account-key")
	} else {
		did("iam-token")
	}
}

func (t teller) createImage(request *compute.CreateImageRequest) *compute.Image {
	request.FolderId = t.Folder
	outcome := Must(t.Wait(t.ctx, Must(t.Images.Create(t.ctx, request)),
		Outcome{&compute.CreateImageMetadata{}, &compute.Image{}}))
	image := outcome.Response.(*compute.Image)
	equal(outcome.Metadata.(*compute.CreateImageMetadata).ImageId, image.Id)
	equal(image.Status, compute.Image_READY)
	return image
}

func (t teller) createFromURI() *compute.Image {
	image := t.createImage(&compute.CreateImageRequest{
		Name:        t.name,
		Description: "made by the SDK",
		Labels:      map[string]string{"made": "by-sdk"},
		Family:      t.name,
		Source:      &compute.CreateImageRequest_Uri{Uri: os.Getenv("STORY_SOURCE")},
		Os:          &compute.Os{Type: compute.Os_LINUX},
	})
	did("create-from-uri")
	equal(proto.Equal(Must(t.Images.Get(t.ctx, &compute.GetImageRequest{ImageId: image.Id})), image), true)
	equal(image.Labels["made"], "by-sdk")
	did("get")
	return image
}

func (t teller) update(image *compute.Image) {
	request := &compute.UpdateImageRequest{
		ImageId:     image.Id,
		UpdateMask:  Must(fieldmaskpb.New(&compute.UpdateImageRequest{}, "name", "description", "labels", "min_disk_size")),
		Name:        t.name + "-2",
		Description: "changed",
		Labels:      map[string]string{"changed": ""},
		MinDiskSize: 4 << 40,
	}
	changed := Must(t.Wait(t.ctx, Must(t.Images.Update(t.ctx, request)),
		Outcome{&compute.UpdateImageMetadata{}, &compute.Image{}})).Response.(*compute.Image)
	equal(changed.Name, t.name+"-2")
	equal(changed.Description, "changed")
	equal(changed.MinDiskSize, int64(4<<40))
	equal(len(changed.Labels), 1)
	did("update")
}

func (t teller) find(image *compute.Image) {
	byName := &compute.ListImagesRequest{FolderId: t.Folder, Filter: fmt.Sprintf(`name = "%s-2"`, t.name)}
	found := Must(t.Images.List(t.ctx, byName)).Images
	equal(len(found), 1)
	equal(found[0].Id, image.Id)

	wanted := map[string]bool{image.Id: true}
	var copies []string
	for page := range 3 {
		request := &compute.CreateImageRequest{
			Name:   fmt.Sprintf("%s-page-%d", t.name, page),
			Source: &compute.CreateImageRequest_ImageId{ImageId: image.Id},
		}
		copies = append(copies, t.createImage(request).Id)
		wanted[copies[page]] = true
	}
	did("image-from-image")
	for token, first := "", true; first || token != ""; first = false {
		page := Must(t.Images.List(t.ctx, &compute.ListImagesRequest{FolderId: t.Folder, PageSize: 2, PageToken: token}))
		equal(len(page.Images) <= 2, true)
		for _, each := range page.Images {
			delete(wanted, each.Id)
		}
		token = page.NextPageToken
	}
	equal(len(wanted), 0)
	for _, id := range copies {
		t.deleteImage(id)
	}
	did("list")

	family := &compute.GetImageLatestByFamilyRequest{FolderId: t.Folder, Family: t.name}
	equal(Must(t.Images.GetLatestByFamily(t.ctx, family)).Id, image.Id)
	did("latest-by-family")
	history := Must(t.Images.ListOperations(t.ctx, &compute.ListImageOperationsRequest{ImageId: image.Id})).Operations
	equal(len(history), 2)
	equal(history[0].Description, "Update image")
	equal(history[1].Description, "Create image")
	did("list-operations")
}

func (t teller) cancel() {
	source := &compute.CreateImageRequest_Uri{Uri: os.Getenv("STORY_SLOW_SOURCE")}
	started := Must(t.Images.Create(t.ctx, &compute.CreateImageRequest{FolderId: t.Folder, Source: source}))
	cancelled := Must(t.Operations.Cancel(t.ctx, &operation.CancelOperationRequest{OperationId: started.Id}))
	equal(cancelled.Done, true)
	equal(codes.Code(cancelled.GetError().GetCode()), codes.Canceled)
	_, err := t.Wait(t.ctx, started, Outcome{&compute.CreateImageMetadata{}, &compute.Image{}})
	equal(status.Code(err), codes.Canceled)
	did("cancel")
}

func (t teller) fail() {
	source := &compute.CreateImageRequest_Uri{Uri: os.Getenv("STORY_MISSING_SOURCE")}
	started := Must(t.Images.Create(t.ctx, &compute.CreateImageRequest{FolderId: t.Folder, Source: source}))
	_, err := t.Wait(t.ctx, started, Outcome{&compute.CreateImageMetadata{}, &compute.Image{}})
	equal(status.Code(err), codes.NotFound)
	equal(strings.Contains(err.Error(), "404"), true)
	did("failed-import")
}

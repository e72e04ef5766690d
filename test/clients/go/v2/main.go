// The story with version 2 of the SDK. Its generated clients of the compute service are in a module of their own; with
// the SDK alone, one asks it for connections and waits with its package of operations, as those clients do.
package main

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	sdkoperation "github.com/yandex-cloud/go-sdk/v2/pkg/operation"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"obraz.test/story"
)

// A method of each service: the SDK finds connections and addresses by method.
var methods = map[string]protoreflect.FullName{
	"compute":          "yandex.cloud.compute.v1.ImageService.Get",
	"operation":        "yandex.cloud.operation.OperationService.Get",
	"iam":              "yandex.cloud.iam.v1.IamTokenService.Create",
	"resource-manager": "yandex.cloud.resourcemanager.v1.FolderService.Get",
}

func main() {
	ctx := context.Background()
	from := story.Environment()
	var secret credentials.Credentials = credentials.IAMToken(from.Token)
	if from.KeyFile != "" {
		secret = story.Must(credentials.ServiceAccountKeyFile(from.KeyFile))
	}
	// There is nothing to say of the CA here: the connection to the endpoint trusts the system's roots, always.
	sdk := story.Must(ycsdk.Build(ctx,
		options.WithCredentials(secret),
		options.WithDiscoveryEndpoint(from.Endpoint),
		options.WithDefaultRetryOptions(),
	))
	connect := func(service string) grpc.ClientConnInterface {
		return story.Must(sdk.GetConnection(ctx, methods[service]))
	}
	operations := operation.NewOperationServiceClient(connect("operation"))

	poll := func(ctx context.Context, id string, opts ...grpc.CallOption) (sdkoperation.YCOperation, error) {
		return operations.Get(ctx, &operation.GetOperationRequest{OperationId: id}, opts...)
	}
	wait := func(ctx context.Context, started *operation.Operation, wanted story.Outcome) (story.Outcome, error) {
		waited, err := sdkoperation.NewOperation(started, &sdkoperation.Concretization{
			Poll:         poll,
			MetadataType: wanted.Metadata,
			ResponseType: wanted.Response,
		})
		if err != nil {
			return story.Outcome{}, err
		}
		response, err := waited.Wait(ctx)
		return story.Outcome{Metadata: waited.Metadata(), Response: response}, err
	}

	computing := connect("compute")
	story.Tell("go-v2", from, story.Cloud{
		Images:     compute.NewImageServiceClient(computing),
		Disks:      compute.NewDiskServiceClient(computing),
		Snapshots:  compute.NewSnapshotServiceClient(computing),
		Zones:      compute.NewZoneServiceClient(computing),
		DiskTypes:  compute.NewDiskTypeServiceClient(computing),
		Folders:    resourcemanager.NewFolderServiceClient(connect("resource-manager")),
		Operations: operations,
		Address: func(_ context.Context, id string) (string, error) {
			found, err := sdk.GetEndpoint(methods[id])
			if err != nil {
				return "", err
			}
			return found.Addr, nil
		},
		Wait: wait,
	})
	story.Check(sdk.Shutdown(ctx))
}

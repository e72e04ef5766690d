// The story with version 1 of the SDK.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk"
	"github.com/yandex-cloud/go-sdk/iamkey"
	"obraz.test/story"
)

func main() {
	ctx := context.Background()
	from := story.Environment()
	var secret ycsdk.Credentials = ycsdk.NewIAMTokenCredentials(from.Token)
	if from.KeyFile != "" {
		secret = story.Must(ycsdk.ServiceAccountKey(story.Must(iamkey.ReadFromJSONFile(from.KeyFile))))
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(story.Must(os.ReadFile(os.Getenv("STORY_CA"))))
	sdk := story.Must(ycsdk.Build(ctx, ycsdk.Config{
		Credentials: secret,
		Endpoint:    from.Endpoint,
		TLSConfig:   &tls.Config{RootCAs: roots},
	}))

	wait := func(ctx context.Context, started *operation.Operation, _ story.Outcome) (story.Outcome, error) {
		waited, err := sdk.WrapOperation(started, nil)
		if err != nil {
			return story.Outcome{}, err
		}
		if err := waited.Wait(ctx); err != nil {
			return story.Outcome{}, err
		}
		metadata := story.Must(waited.Metadata())
		return story.Outcome{Metadata: metadata, Response: story.Must(waited.Response())}, nil
	}

	story.Tell("go-v1", from, story.Cloud{
		Images:     sdk.Compute().Image(),
		Disks:      sdk.Compute().Disk(),
		Snapshots:  sdk.Compute().Snapshot(),
		Zones:      sdk.Compute().Zone(),
		DiskTypes:  sdk.Compute().DiskType(),
		Folders:    sdk.ResourceManager().Folder(),
		Operations: sdk.Operation(),
		Address: func(ctx context.Context, id string) (string, error) {
			found, err := sdk.ApiEndpoint().ApiEndpoint().Get(ctx, &endpoint.GetApiEndpointRequest{ApiEndpointId: id})
			return found.GetAddress(), err
		},
		Wait: wait,
	})
	story.Check(sdk.Shutdown(ctx))
}

// The Terraform provider as far as images, disks and snapshots need it. The provider is two halves that are served as
// one; this serves the half that has these resources, out of the provider's own package. The other half, which has the
// bindings of access, takes a module for each service of the cloud.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-mux/tf5to6server"
	"github.com/yandex-cloud/terraform-provider-yandex/yandex"
)

func main() {
	half, err := tf5to6server.UpgradeServer(context.Background(), yandex.NewSDKProvider().GRPCProvider)
	if err != nil {
		log.Fatal(err)
	}
	serve := func() tfprotov6.ProviderServer { return half }
	if err := tf6server.Serve("registry.terraform.io/yandex-cloud/yandex", serve); err != nil {
		log.Fatal(err)
	}
}

// Google's Terraform provider, unchanged, out of its public source: release 4.9.0. Its tags are no versions of its module, and
// not every module proxy has the commits of later ones.
package main

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
	"github.com/hashicorp/terraform-provider-google/google"
)

func main() {
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: google.Provider})
}

// Google's Terraform provider, unchanged, out of its public source: the newest release that the module proxy offers to
// everybody. Its tags are no versions of its module, so that only what somebody asked for by a commit is there.
package main

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/plugin"
	"github.com/hashicorp/terraform-provider-google/google"
)

func main() {
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: google.Provider})
}

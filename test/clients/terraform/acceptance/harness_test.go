package yandex

// What the provider's acceptance tests of images, disks and snapshots take from files that need the whole provider. This
// is written for Obraz: it configures the provider's half with these resources, and nothing besides.

import (
	"fmt"
	"os"
	"testing"

	"context"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-mux/tf5to6server"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// One provider serves every test, so that it must outlive the call that configures it.
var testAccProvider = func() *schema.Provider {
	provider := NewSDKProvider()
	provider.ConfigureContextFunc = func(_ context.Context, d *schema.ResourceData) (any, diag.Diagnostics) {
		return providerConfigure(context.Background(), d, provider, false, true)
	}
	return provider
}()

var testAccProviders = map[string]*schema.Provider{"yandex": testAccProvider}

var testAccProviderFactoriesV6 = map[string]func() (tfprotov6.ProviderServer, error){
	"yandex": func() (tfprotov6.ProviderServer, error) {
		return tf5to6server.UpgradeServer(context.Background(), testAccProvider.GRPCProvider)
	},
}

func testAccPreCheck(t *testing.T) {
	for _, name := range []string{"YC_ENDPOINT", "YC_FOLDER_ID", "YC_ZONE", "YC_TOKEN"} {
		if os.Getenv(name) == "" {
			t.Fatalf("%s is not set", name)
		}
	}
}

func testAccCheckCreatedAtAttr(name string) resource.TestCheckFunc {
	return resource.TestCheckResourceAttrSet(name, "created_at")
}

func testAccCheckResourceIDField(name, field string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		found, ok := state.RootModule().Resources[name]
		if !ok {
			return fmt.Errorf("%s is not in the state", name)
		}
		if found.Primary.Attributes[field] != found.Primary.ID {
			return fmt.Errorf("%s is %q, its id is %q", field, found.Primary.Attributes[field], found.Primary.ID)
		}
		return nil
	}
}

// Keys are of another service: there are none.
func testAccCheckYandexKmsSymmetricKeyAllDestroyed(*terraform.State) error { return nil }

// Sweepers clean up a cloud that is shared; they are never run.
func configForSweepers() (*Config, error)                                      { panic("no sweepers") }
func sweepWithRetry(func(*Config, string) error, *Config, string, string) bool { panic("no sweepers") }
func handleSweepOperation(context.Context, *Config, *operation.Operation, error) error {
	panic("no sweepers")
}

// Packer's post-processor yandex-import: it makes itself an access key, puts the file that a build made into a bucket, has an
// image made of it, and removes the file and the key.
package main

import (
	"context"
	"log"
	"os"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	yandeximport "github.com/hashicorp/packer-plugin-yandex/post-processor/yandex-import"
)

// What the builder `file` leaves.
type artifact struct{ path string }

func (a *artifact) BuilderId() string             { return "packer.file" }
func (a *artifact) Files() []string               { return []string{a.path} }
func (a *artifact) Id() string                    { return "" }
func (a *artifact) String() string                { return a.path }
func (a *artifact) State(name string) interface{} { return nil }
func (a *artifact) Destroy() error                { return nil }

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ui := &packersdk.BasicUi{Writer: os.Stderr, ErrorWriter: os.Stderr}
	processor := &yandeximport.PostProcessor{}
	check(processor.Configure(map[string]interface{}{
		"endpoint":           os.Getenv("STORY_ENDPOINT"),
		"token":              os.Getenv("STORY_TOKEN"),
		"folder_id":          os.Getenv("STORY_FOLDER"),
		"service_account_id": os.Getenv("STORY_SERVICE_ACCOUNT"),
		"bucket":             os.Getenv("STORY_BUCKET"),
		"image_name":         "imported",
		"image_family":       "imported",
	}))
	made, _, _, err := processor.PostProcess(ctx, ui, &artifact{os.Getenv("STORY_FILE")})
	check(err)
	os.Stdout.WriteString("image: " + made.Id() + "\n")
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

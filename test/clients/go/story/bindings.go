package story

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/access"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1"
	"google.golang.org/protobuf/proto"
)

func (t teller) bind(image *compute.Image) {
	everybody := &access.AccessBinding{
		RoleId:  "compute.images.user",
		Subject: &access.Subject{Id: "allAuthenticatedUsers", Type: "system"},
	}
	list := func() []*access.AccessBinding {
		return Must(t.Images.ListAccessBindings(t.ctx, &access.ListAccessBindingsRequest{ResourceId: image.Id})).AccessBindings
	}
	started := Must(t.Images.SetAccessBindings(t.ctx, &access.SetAccessBindingsRequest{
		ResourceId:     image.Id,
		AccessBindings: []*access.AccessBinding{everybody},
	}))
	Must(t.Wait(t.ctx, started, Outcome{&access.SetAccessBindingsMetadata{}, &access.AccessBindingsOperationResult{}}))
	equal(len(list()), 1)
	equal(proto.Equal(list()[0], everybody), true)

	started = Must(t.Images.UpdateAccessBindings(t.ctx, &access.UpdateAccessBindingsRequest{
		ResourceId: image.Id,
		AccessBindingDeltas: []*access.AccessBindingDelta{
			{Action: access.AccessBindingAction_REMOVE, AccessBinding: everybody},
		},
	}))
	Must(t.Wait(t.ctx, started, Outcome{&access.UpdateAccessBindingsMetadata{}, &access.AccessBindingsOperationResult{}}))
	equal(len(list()), 0)
	did("access-bindings")
}

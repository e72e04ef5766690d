module obraz.test/story

go 1.23.0

require (
	github.com/yandex-cloud/go-genproto v0.112.0
	google.golang.org/grpc v1.66.2
	google.golang.org/protobuf v1.34.2
)

# Every resource and every data source that images, disks and snapshots have; what can be changed is a variable.

terraform {
  required_providers {
    yandex = {
      source = "yandex-cloud/yandex"
    }
  }
}

# All it needs to know is in variables: YC_ENDPOINT, YC_TOKEN or YC_SERVICE_ACCOUNT_KEY_FILE, YC_FOLDER_ID, SSL_CERT_FILE.
provider "yandex" {
  zone = "ru-central1-a"
}

variable "source_url" { type = string }
variable "name" { default = "terraform" }
variable "description" { default = "made by Terraform" }
variable "labels" {
  type    = map(string)
  default = { made = "by-terraform", empty = "" }
}
variable "family" { default = "terraform" }
variable "size" { default = 4 }

resource "yandex_compute_image" "from_url" {
  name          = var.name
  description   = var.description
  labels        = var.labels
  family        = var.family
  os_type       = "LINUX"
  min_disk_size = var.size
  source_url    = var.source_url
}

resource "yandex_compute_disk" "of_image" {
  name        = var.name
  description = var.description
  labels      = var.labels
  type        = "network-ssd"
  zone        = "ru-central1-a"
  size        = var.size
  image_id    = yandex_compute_image.from_url.id
}

resource "yandex_compute_disk" "empty" {
  name       = "${var.name}-empty"
  size       = 4
  block_size = 8192

  hardware_generation {
    legacy_features {
      pci_topology = "PCI_TOPOLOGY_V2"
    }
  }
}

resource "yandex_compute_snapshot" "of_disk" {
  name           = var.name
  description    = var.description
  labels         = var.labels
  source_disk_id = yandex_compute_disk.of_image.id
}

resource "yandex_compute_disk" "of_snapshot" {
  name        = "${var.name}-of-snapshot"
  size        = 8
  snapshot_id = yandex_compute_snapshot.of_disk.id
}

resource "yandex_compute_image" "of_disk" {
  name        = "${var.name}-of-disk"
  source_disk = yandex_compute_disk.empty.id
}

resource "yandex_compute_image" "of_snapshot" {
  name            = "${var.name}-of-snapshot"
  source_snapshot = yandex_compute_snapshot.of_disk.id
}

resource "yandex_compute_image" "of_image" {
  name         = "${var.name}-of-image"
  source_image = yandex_compute_image.from_url.id
}

resource "yandex_compute_image" "nameless" {
  source_image = yandex_compute_image.from_url.id
}

data "yandex_compute_image" "by_id" {
  image_id = yandex_compute_image.from_url.id
}

data "yandex_compute_image" "by_name" {
  name       = yandex_compute_image.from_url.name
  depends_on = [yandex_compute_image.from_url]
}

data "yandex_compute_image" "by_family" {
  family     = yandex_compute_image.from_url.family
  folder_id  = yandex_compute_image.from_url.folder_id
  depends_on = [yandex_compute_image.from_url]
}

data "yandex_compute_disk" "by_id" {
  disk_id = yandex_compute_disk.of_image.id
}

data "yandex_compute_disk" "by_name" {
  name       = yandex_compute_disk.of_image.name
  depends_on = [yandex_compute_disk.of_image]
}

data "yandex_compute_snapshot" "by_id" {
  snapshot_id = yandex_compute_snapshot.of_disk.id
}

data "yandex_compute_snapshot" "by_name" {
  name       = yandex_compute_snapshot.of_disk.name
  depends_on = [yandex_compute_snapshot.of_disk]
}

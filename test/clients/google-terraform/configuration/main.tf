# The resources and data sources that images, disks and snapshots have; what can be changed is a variable.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

# Who it is, is in GOOGLE_OAUTH_ACCESS_TOKEN or GOOGLE_CREDENTIALS; the project and the zone in GOOGLE_PROJECT and GOOGLE_ZONE.
provider "google" {
  compute_custom_endpoint = var.endpoint
}

variable "endpoint" { type = string }
variable "source_url" { type = string }
variable "name" { default = "terraform" }
variable "labels" {
  type    = map(string)
  default = { made = "by-terraform" }
}
variable "family" { default = "empty" }
variable "size" { default = 2 }

resource "google_compute_image" "of_tarball" {
  name         = var.name
  description  = "made by Terraform"
  labels       = var.labels
  family       = var.name
  disk_size_gb = 1

  raw_disk {
    source = var.source_url
  }

  guest_os_features {
    type = "UEFI_COMPATIBLE"
  }
}

resource "google_compute_disk" "of_image" {
  name   = var.name
  labels = var.labels
  type   = "pd-ssd"
  size   = var.size
  image  = google_compute_image.of_tarball.self_link
}

resource "google_compute_disk" "of_family" {
  name       = "${var.name}-of-family"
  image      = google_compute_image.of_tarball.family
  depends_on = [google_compute_image.of_tarball]
}

resource "google_compute_disk" "empty" {
  name = "${var.name}-empty"
  size = 1
}

resource "google_compute_snapshot" "of_disk" {
  name        = var.name
  source_disk = google_compute_disk.of_image.name
  labels      = var.labels
}

resource "google_compute_disk" "of_snapshot" {
  name     = "${var.name}-of-snapshot"
  snapshot = google_compute_snapshot.of_disk.self_link
}

resource "google_compute_image" "of_empty" {
  name        = "${var.name}-of-empty"
  family      = var.family
  source_disk = google_compute_disk.empty.self_link
}

resource "google_compute_image" "of_snapshot" {
  name            = "${var.name}-of-snapshot"
  source_snapshot = google_compute_snapshot.of_disk.self_link
}

resource "google_compute_image" "of_image" {
  name         = "${var.name}-of-image"
  source_image = google_compute_image.of_tarball.self_link
}

data "google_compute_image" "by_name" {
  name       = google_compute_image.of_tarball.name
  depends_on = [google_compute_image.of_tarball]
}

data "google_compute_image" "by_family" {
  family     = google_compute_image.of_tarball.family
  depends_on = [google_compute_image.of_tarball]
}

#!/usr/bin/env bash
# Boots a machine from a disk of Obraz, over NBD, and shows that what it writes goes into images and further disks:
#
#   1. makes a small Debian that says on its serial console how often it was booted, and switches itself off
#   2. imports it, makes a disk of the image, boots that:          first boot
#   3. makes an image of the disk, a second disk of that image, boots that:     second boot, with the first one's file
#   4. boots the first disk again:                                 its own second boot
#
# Needs root (for a loop mount), 2 GB of disk, and:
#   apt-get install mmdebstrap extlinux fdisk e2fsprogs qemu-system-x86 qemu-utils
# Debian comes from the mirror that the machine's own packages come from. QEMU emulates in software, which runs anywhere and takes a minute or
# two for each boot; ACCEL=kvm is much faster where it works.
#
# Last run on 2026-11-21, Debian 12 in software emulation on two busy cores: every boot reached its marker, after 84 to 181 s.
#
#   examples/boot-debian.sh [FOLDER]      keeps the image it made in FOLDER (default: a new one under /tmp)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$(mktemp -d /tmp/obraz-boot.XXXXXX)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
boot_limit_s=300

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }

# A root tree with one service: it counts boots in a file, tells of them on the console, and ends the machine.
make_tree() {
  local tree=$1 mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1)
  mmdebstrap --quiet --variant=minbase --include=systemd-sysv,udev,linux-image-cloud-amd64 \
    --aptopt='APT::Install-Recommends "false"' bookworm "$tree" "$mirror"
  echo obraz-boot > "$tree/etc/hostname"
  echo 'LABEL=root / ext4 defaults 0 1' > "$tree/etc/fstab"
  cat > "$tree/usr/local/sbin/count-boots" << 'SCRIPT'
#!/bin/sh
date +%s.%N >> /var/lib/boots
sync
echo "OBRAZ-BOOT $(wc -l < /var/lib/boots)" > /dev/ttyS0
SCRIPT
  chmod 755 "$tree/usr/local/sbin/count-boots"
  cat > "$tree/etc/systemd/system/count-boots.service" << 'UNIT'
[Unit]
After=local-fs.target
SuccessAction=poweroff
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/count-boots
[Install]
WantedBy=multi-user.target
UNIT
  mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
  ln -s ../count-boots.service "$tree/etc/systemd/system/multi-user.target.wants/"
  rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*
}

# One partition with ext4, and extlinux to start from it.
make_disk() {
  local tree=$1 disk=$2 mount=$folder/mount partition=$folder/partition
  truncate -s 2047M "$partition"
  mke2fs -q -t ext4 -L root -d "$tree" "$partition"
  mkdir -p "$mount"
  mount -o loop "$partition" "$mount"
  mkdir -p "$mount/boot/extlinux"
  cat > "$mount/boot/extlinux/extlinux.conf" << 'CONFIG'
DEFAULT linux
LABEL linux
  KERNEL /vmlinuz
  INITRD /initrd.img
  APPEND root=LABEL=root ro console=ttyS0
CONFIG
  extlinux --install "$mount/boot/extlinux" > "$folder/extlinux.log" 2>&1
  umount "$mount"
  truncate -s 2048M "$disk.part"
  echo 'start=2048, type=83, bootable' | sfdisk -q --label dos "$disk.part"
  dd if=/usr/lib/EXTLINUX/mbr.bin of="$disk.part" bs=440 count=1 conv=notrunc status=none
  dd if="$partition" of="$disk.part" bs=1M seek=1 conv=notrunc,sparse status=none
  rm "$partition"
  mv "$disk.part" "$disk"
}

obraz() { "$repository/bin/obraz" "$@" --data "$folder/data"; }

# Boots the disk of this name until it has switched itself off, and checks which boot it said it was.
boot() {
  local disk=$1 expected=$2 log=$folder/console-$1-$2.log uri begun=$SECONDS
  uri=$(obraz disk attach "$disk" --format json | sed -n 's/.*"uri": "\([^"]*\)".*/\1/p')
  timeout "$boot_limit_s" qemu-system-x86_64 -accel "${ACCEL:-tcg,thread=multi}" -m 1024 -smp 2 -nodefaults -display none -no-reboot \
    -drive "file=$uri,format=raw,if=virtio,cache=none,discard=unmap" -serial "file:$log"
  obraz disk detach "$disk" > /dev/null
  grep -aq "OBRAZ-BOOT $expected" "$log" || { say "disk $disk did not say that it was boot $expected:"; tail -5 "$log"; exit 1; }
  say "disk $disk: boot $expected, $((SECONDS - begun)) s until it was off"
}

if [ ! -e "$folder/debian.qcow2" ]; then
  say 'making a Debian disk'
  rm -rf "$folder/tree"
  make_tree "$folder/tree"
  make_disk "$folder/tree" "$folder/debian.raw"
  qemu-img convert -c -O qcow2 "$folder/debian.raw" "$folder/debian.qcow2"
  rm -rf "$folder/tree" "$folder/debian.raw"
fi

"$repository/bin/obraz" serve --data "$folder/data" --listen 127.0.0.1:0 --nbd 127.0.0.1:0 > "$folder/obraz.log" 2>&1 &
service=$!
trap 'kill "$service" 2> /dev/null; wait "$service" 2> /dev/null || true' EXIT
until [ -e "$folder/data/serving.json" ]; do
  kill -0 "$service" 2> /dev/null || { cat "$folder/obraz.log"; exit 1; }
  sleep 0.2
done

say "importing $(du -h "$folder/debian.qcow2" | cut -f1) of qcow2"
run=$(date +%s)
obraz image create --name "debian-$run" --file "$folder/debian.qcow2" > /dev/null
obraz disk create --name "first-$run" --source-image-name "debian-$run" > /dev/null
boot "first-$run" 1
obraz image create --name "booted-$run" --source-disk-name "first-$run" > /dev/null
obraz disk create --name "second-$run" --source-image-name "booted-$run" > /dev/null
boot "second-$run" 2
boot "first-$run" 2
say 'the second disk had the file that the first one wrote, and each went its own way after that'

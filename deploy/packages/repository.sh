#!/usr/bin/env bash
# deploy/packages/repository.sh FOLDER KEY PACKAGE…: puts packages into FOLDER, which any web server can serve as it is: a
# repository for apt in FOLDER/apt and one for dnf in FOLDER/rpm, both signed with the key KEY of gpg (a fingerprint, or the
# address of its owner), and the public key as FOLDER/kazoo-relay.asc. Packages that are in FOLDER already stay.
# Rocky Linux 8 takes only RSA keys. Needs gpg, and apt-utils for .deb, createrepo-c and rpm for .rpm.
set -euo pipefail

main() {
  (($# >= 3)) || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
  mkdir -p "$1"
  folder=$(realpath "$1")
  key=$2
  local package has_deb=no has_rpm=no
  for package in "${@:3}"; do
    case $package in
      *.deb) install -D --mode 0644 "$package" -t "$folder/apt/pool" && has_deb=yes ;;
      *.rpm) add_rpm "$package" && has_rpm=yes ;;
      *) fail "$package is neither a .deb nor a .rpm" ;;
    esac
  done
  gpg --armor --export "$key" > "$folder/kazoo-relay.asc"
  [[ -s $folder/kazoo-relay.asc ]] || fail "gpg has no key $key: gpg --list-secret-keys lists those that it has"
  [[ $has_deb == no ]] || index_apt
  [[ $has_rpm == no ]] || index_rpm
}

# Its signature is a part of the package itself.
add_rpm() {
  local file
  file=$folder/rpm/$(basename "$1")
  install -D --mode 0644 "$1" "$file"
  rpmsign --define "__gpg $(command -v gpg)" --define "_gpg_name $key" --addsign "$file" > /dev/null ||
    fail "rpmsign could not sign $file: what it says stands above"
}

index_apt() {
  local architecture lists
  cd "$folder/apt"
  for architecture in amd64 arm64; do
    lists=dists/stable/main/binary-$architecture
    mkdir -p "$lists"
    apt-ftparchive --arch "$architecture" packages pool > "$lists/Packages"
    gzip --no-name --keep --force "$lists/Packages"
  done
  rm -f dists/stable/{Release,Release.gpg,InRelease}
  apt-ftparchive -o APT::FTPArchive::Release::Origin=kazoo-relay -o APT::FTPArchive::Release::Label=kazoo-relay \
    -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable \
    -o APT::FTPArchive::Release::Components=main -o 'APT::FTPArchive::Release::Architectures=amd64 arm64' \
    release dists/stable > "$folder/Release"
  mv "$folder/Release" dists/stable/Release
  sign --clear-sign --output dists/stable/InRelease dists/stable/Release
  sign --armor --detach-sign --output dists/stable/Release.gpg dists/stable/Release
}

index_rpm() {
  cd "$folder/rpm"
  createrepo_c --quiet --no-database .
  sign --armor --detach-sign --output repodata/repomd.xml.asc repodata/repomd.xml
}

sign() {
  gpg --batch --yes --local-user "$key" "$@" || fail "gpg could not sign with $key: what it says stands above"
}

fail() {
  echo "kazoo-relay: $1" >&2
  exit 1
}

main "$@"

# What every way of installing the service has in common: install.sh reads this file, and the scripts of the packages begin
# with it. It is for any POSIX shell.

user=kazoo-relay
config=/etc/kazoo-relay
state=/var/lib/kazoo-relay
logs=/var/log/kazoo-relay
unit=/etc/systemd/system/kazoo-relay.service

add_user() {
  getent group "$user" > /dev/null || groupadd --system "$user"
  getent passwd "$user" > /dev/null && return
  useradd --system --gid "$user" --home-dir "$state" --no-create-home --shell "$(command -v nologin || echo /sbin/nologin)" \
    --comment 'kazoo-relay' "$user"
  say "made the user $user"
}

# As the unit has systemd make them, so that "kazoo-relay check --connect" finds them before the first start.
add_folders() {
  [ -e "$state" ] || install -d -o "$user" -g "$user" -m 0700 "$state"
  [ -e "$logs" ] || install -d -o "$user" -g "$user" -m 0750 "$logs"
}

# False where a root is only being made, for an image or a container.
has_systemd() {
  [ -d /run/systemd/system ]
}

# One that fails at every start counts too: perhaps the new version is the one that mends it.
is_active() {
  has_systemd && systemctl show --property ActiveState kazoo-relay | grep -E -q '=(active|activating|reloading)$'
}

reload_systemd() {
  ! has_systemd || systemctl daemon-reload
}

next_steps() {
  cat << END

  1. kazoo-relay init              asks for your brokers and sinks; or edit $config/kazoo-relay.yaml
  2. kazoo-relay check --connect   tries them
  3. systemctl enable --now kazoo-relay
  4. kazoo-relay status
     journalctl --follow --unit kazoo-relay
END
}

say() {
  echo "kazoo-relay: $1"
}

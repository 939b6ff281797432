
# What the scripts of both packages do; deploy/systemd/service.sh stands before it.

packaged_unit=/usr/lib/systemd/system/kazoo-relay.service
# There while a service that ran is stopped for an upgrade.
restart=/run/kazoo-relay.restart

# Before any file is replaced: the daemon loads parts of itself late, and must not find those of another version.
stop_for_upgrade() {
  is_active || return 0
  : > "$restart"
  systemctl stop kazoo-relay || :
}

# No error of the package: others that are being installed can't help it.
start_again() {
  [ -e "$restart" ] || return 0
  rm -f "$restart"
  has_systemd || return 0
  say 'starting it again …'
  systemctl restart kazoo-relay && return
  journalctl --unit kazoo-relay --lines 20 --no-pager >&2 || :
  say 'the new version does not start: its last words stand above. Correct that, then: systemctl start kazoo-relay' >&2
}

# A unit of install.sh in /etc would go on starting the program in /opt.
take_over() {
  if grep -q '^ExecStart=/opt/kazoo-relay/' "$unit" 2> /dev/null; then
    ! is_active || : > "$restart"
    if cmp -s "$unit" /opt/kazoo-relay/deploy/systemd/kazoo-relay.service; then
      rm "$unit"
    else
      mv "$unit" "$unit.edited"
      say "$unit had been edited: it is kept as $unit.edited; put what you need of it into a drop-in (systemctl edit kazoo-relay)"
    fi
    for link in /etc/systemd/system/*.wants/kazoo-relay.service; do
      [ ! -L "$link" ] || ln -sf "$packaged_unit" "$link"
    done
    say 'took over from deploy/install.sh: user, journal and configuration stay'
    say 'nothing uses /opt/kazoo-relay any more: rm -r /opt/kazoo-relay'
  fi
  [ ! -f "$unit" ] ||
    say "$unit is used instead of the package's unit: remove it, or compare it with $packaged_unit after each upgrade"
  for drop_in in "$unit".d/*.conf; do
    ! grep -q /opt/kazoo-relay "$drop_in" 2> /dev/null ||
      say "$drop_in names /opt/kazoo-relay: the program is in /usr/lib/kazoo-relay now"
  done
}

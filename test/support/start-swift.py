# python3 start-swift.py FOLDER PORT: all of OpenStack Swift in one process, with its S3 API on that port, in that folder.
import eventlet

eventlet.monkey_patch()

import os
import sys

from swift.common import utils

folder, port = sys.argv[1], int(sys.argv[2])
device = os.path.join(folder, 'devices', 'd1')


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as file:
        file.write(text)
    return path


os.makedirs(device, exist_ok=True)
write('swift.conf', '[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = one\ndefault = yes\n')
utils.set_swift_dir(folder)
utils.validate_hash_conf()

import eventlet.wsgi
from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp

servers = {}
for kind in ('account', 'container', 'object'):
    socket = eventlet.listen(('127.0.0.1', 0))
    builder = RingBuilder(2, 1, 0)
    builder.add_dev(
        dict(id=0, region=1, zone=1, ip='127.0.0.1', port=socket.getsockname()[1], device='d1', weight=1)
    )
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, kind + '.ring.gz'))
    servers[socket] = write(
        kind + '.conf',
        f'''[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
''',
    )
servers[eventlet.listen(('127.0.0.1', port))] = write(
    'proxy.conf',
    f'''[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors proxy-logging s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
''',
)


class NoCache:
    """In place of memcached, which Swift does without."""

    def get(self, key, **_):
        return None

    def set(self, key, value, **_):
        pass

    def delete(self, key, **_):
        pass


def without_cache(app):
    def call(env, start_response):
        env['swift.cache'] = NoCache()
        return app(env, start_response)

    return call


def serve(socket, conf):
    return eventlet.spawn(eventlet.wsgi.server, socket, without_cache(loadapp(conf)), log_output=False)


for server in [serve(socket, conf) for socket, conf in servers.items()]:
    server.wait()

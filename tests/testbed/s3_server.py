"""moto's server on a free port of this machine, in silence but for its address; see s3.sh."""

import logging

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print("listens on http://127.0.0.1:{}".format(server.server_port), flush=True)
server.serve_forever()

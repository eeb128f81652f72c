"""What a Django project of the tests does when it is run: it serves, or it manages."""
import os
import signal
import sys


def migrate():
    from django.core.management import call_command
    from django.db import connections

    # The shared database once more after every change of a model: the permissions are made there.
    if "shared" in connections:
        call_command("migrate", database="shared", verbosity=0)
    call_command("migrate", verbosity=0)


def serve(program):
    from django.conf import settings
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    host, _, port = os.environ.get("LISTEN", "127.0.0.1:8001").rpartition(":")
    server = ThreadedWSGIServer((host, int(port)), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address = "%s:%d" % server.server_address[:2]
    print(f"{program} `{settings.APP_NAME}` serves http://{address}/", flush=True)
    server.serve_forever()


def main(program, settings, arguments):
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    if arguments[:1] == ["manage"]:
        return execute_from_command_line(arguments)
    if arguments not in ([], ["--migrate"]):
        sys.exit("error: the arguments are --migrate, or manage and a command")
    try:
        import django

        django.setup()
        if arguments:
            migrate()
        serve(program)
    except (ImproperlyConfigured, OSError) as error:
        sys.exit(f"error: {error}")

"""Serve the built book on this machine: `make serve` runs this.

python -m tools.serve [PORT]
"""

import http.server
import sys
from functools import partial
from pathlib import Path

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"


def main(arguments: list[str]) -> None:
    port = arguments[0] if arguments else "8000"
    if not port.isdecimal() or int(port) > 65535:
        sys.exit(f"{port!r} is no port: name one like this: make serve PORT=80")
    if not (HTML / "index.html").is_file():
        sys.exit("There is no site yet: make site")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=HTML)
    place = ("127.0.0.1", int(port))
    try:
        server = http.server.ThreadingHTTPServer(place, handler)
    except OSError as error:
        sys.exit(
            f"Port {port} cannot be had ({error.strerror}). "
            f"Try another one: make serve PORT={1 + int(port)}"
        )
    with server:
        address = f"http://localhost:{server.server_port}/"
        print(f"{address} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main(sys.argv[1:])

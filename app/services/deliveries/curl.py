"""A request as a command for a shell: the secret is a variable, and the signature is made of it there."""

import shlex
from collections.abc import Callable
from typing import Final

from app.services.deliveries.request import (
    SIGNATURE,
    STANDARD_ID,
    STANDARD_SIGNATURE,
    STANDARD_TIMESTAMP,
    Request,
)

VARIABLE: Final = "WEBHOOK_SECRET"
_LEFT_OUT: Final = {"host", "content-length"}
"""What curl writes by itself."""

_CURL: Final = "curl --silent --show-error --include --globoff --path-as-is --max-time 15 --noproxy '*'"
"""The URL as it is: curl would take {a,b} and [1-3] for several, and leave out /../."""
_PLATFORM: Final = (
    f"""sha256=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "${VARIABLE}" -r | cut -d" " -f1)"""
)

_FILLED: Final = """awk '{while (length($0) % 4) $0 = $0 "="; printf "%s", $0}'"""
"""Of base64 without its end openssl leaves out the last bytes."""


def as_curl(request: Request) -> str:
    """For `sh`, with curl and openssl. It sends what was sent, byte for byte, where the variable is set."""
    headers = dict(request.headers)
    signatures: dict[str, Callable[[], str]] = {
        SIGNATURE: lambda: _PLATFORM,
        STANDARD_SIGNATURE: lambda: _standard(headers[STANDARD_ID], headers[STANDARD_TIMESTAMP]),
    }
    host = f"[{request.host}]" if ":" in request.host else request.host
    url = f"{request.scheme}://{host}:{request.port}{request.target}"
    lines = [f"{_CURL} {shlex.quote(url)}"]
    for name, value in request.headers:
        if name in signatures:
            lines.append(f'  --header "{name}: {signatures[name]()}"')
        elif name.lower() not in _LEFT_OUT:
            lines.append(f"  --header {shlex.quote(f'{name}: {value}')}")
    lines.append('  --data-binary "$BODY"')
    return f"BODY={shlex.quote(request.body.decode())}\n" + " \\\n".join(lines) + "\n"


def _standard(identity: str, timestamp: str) -> str:
    key = (
        f'$(printf %s "${{{VARIABLE}#whsec_}}" | tr -d = | {_FILLED} | openssl base64 -d -A'
        " | od -An -v -tx1 | tr -d ' \\n')"
    )
    signed = f'printf %s {shlex.quote(f"{identity}.{timestamp}.")}"$BODY"'
    return (
        f'v1,$({signed} | openssl dgst -sha256 -mac HMAC -macopt "hexkey:{key}" -binary | openssl base64 -A)'
    )

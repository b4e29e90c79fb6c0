"""Whether those that listen on this machine answer: questions that need no database."""

import http.client
import socket
from enum import Enum
from pathlib import Path

SECONDS = 5.0


class Answer(Enum):
    """NOBODY: none listens, since it is starting or ending; NONE: one does, and says nothing."""

    GIVEN = "given"
    NONE = "none"
    NOBODY = "nobody"


def of_http(port: int, path: str) -> Answer:
    """What a server on a port of this machine answers to a GET; any status is an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.connect()
    except TimeoutError:
        return Answer.NONE
    except OSError:
        return Answer.NOBODY
    try:
        connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}"})
        connection.getresponse()
    except TimeoutError:
        return Answer.NONE
    except (OSError, http.client.HTTPException):
        # It ends just now.
        return Answer.NOBODY
    finally:
        connection.close()
    return Answer.GIVEN


def of_code_server(path: Path) -> Answer:
    """What Dagster's code server on a socket answers to the standard question for its health."""
    probe = socket.socket(socket.AF_UNIX)
    probe.settimeout(SECONDS)
    try:
        probe.connect(str(path))
    except TimeoutError:
        return Answer.NONE
    except OSError:
        return Answer.NOBODY
    finally:
        probe.close()
    # Half a second and 20 MB: only in `up`, once.
    import grpc  # type: ignore[import-untyped]
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

    with grpc.insecure_channel(f"unix:{path}") as channel:
        try:
            health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=SECONDS
            )
        except grpc.RpcError as err:
            late = err.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            return Answer.NONE if late else Answer.NOBODY
    return Answer.GIVEN

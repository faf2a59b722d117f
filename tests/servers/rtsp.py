"""The RTSP server of the tests is the one of the soak. Without its packages the tests are skipped, in CI they fail."""

import os

import pytest

from svlm_cli.bench.camera import PACKAGES, RtspServer, free_port, missing

__all__ = ["RtspServer", "free_port", "require_rtsp_server"]


def require_rtsp_server() -> None:
    """Skips the test where the packages are missing, unless REQUIRE_RTSP is set, as in CI: there it fails."""
    if reason := missing():
        if os.environ.get("REQUIRE_RTSP"):
            pytest.fail(f"the RTSP server is missing: {reason}")
        pytest.skip(f"needs Debian's {PACKAGES}: {reason}")

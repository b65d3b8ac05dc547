"""The software of the simulated fleet: applications that both ESET and N-sight patch, and Windows updates.

ESET and N-sight name the same product differently, as they do in life ("Adobe Acrobat Reader" is N-sight's
"Adobe Reader DC (64-bit)").
"""

import uuid
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

_NAMESPACE = uuid.UUID("2f6f0f58-4c0f-4f0c-9a3e-0a4b3c1d5e7f")


@cache
def _uuid(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True)
class Application:
    """``name`` is ESET's, ``product`` N-sight's; ``versions`` from oldest to newest."""

    developer: str
    name: str
    product: str
    versions: tuple[str, ...]
    released: date
    severity: int = 3

    @property
    def uuid(self) -> str:
        return _uuid(f"{self.developer}/{self.name}")

    @property
    def newest(self) -> str:
        return self.versions[-1]


@dataclass(frozen=True)
class WindowsUpdate:
    """Patched by Windows and N-sight; ESET's list of applications never mentions it."""

    title: str
    product: str
    released: date
    severity: int = 5


# developer | ESET's name | N-sight's product | versions, oldest first | newest released | severity
_APPLICATIONS = """
Google LLC | Google Chrome | Google Chrome | 132.0.6834.160 133.0.6943.142 134.0.6998.89 | 2025-03-10 | 5
Mozilla | Mozilla Firefox | Mozilla Firefox (x64) | 135.0 135.0.1 136.0.1 | 2025-03-11 | 5
Igor Pavlov | 7-Zip | 7-Zip (x64) | 23.01 24.08 24.09 | 2024-11-30 | 4
Adobe Inc. | Adobe Acrobat Reader | Adobe Reader DC (64-bit) | 24.005.20414 25.001.20428 25.001.20432 | 2025-03-11 | 5
Zoom Communications, Inc. | Zoom Workplace | Zoom Workplace (64-bit) | 6.3.10.60150 6.3.11.60501 | 2025-02-20 | 4
Oracle Corporation | Java 8 | Java Runtime Environment 8 (64-bit) | 8.0.4310.10 8.0.4410.7 | 2025-01-21 | 4
VideoLAN | VLC media player | VLC Media Player (x64) | 3.0.18 3.0.20 3.0.21 | 2024-06-10 | 3
Notepad++ Team | Notepad++ | Notepad++ (64-bit) | 8.6.9 8.7.7 8.7.8 | 2025-03-02 | 3
TeamViewer Germany GmbH | TeamViewer | TeamViewer 15 (Full) | 15.61.4 15.62.4 15.63.4 | 2025-03-04 | 4
The Document Foundation | LibreOffice | LibreOffice (x64) | 24.8.4.2 25.2.0.3 25.2.1.2 | 2025-02-27 | 3
Simon Tatham | PuTTY | PuTTY (64-bit) | 0.81 0.82 0.83 | 2025-02-08 | 3
Martin Prikryl | WinSCP | WinSCP | 6.3.5 6.3.6 6.3.7 | 2025-02-25 | 2
Dominik Reichl | KeePass Password Safe | KeePass 2 | 2.56 2.57.1 2.58 | 2025-03-01 | 3
The Git Development Community | Git for Windows | Git (64-bit) | 2.46.2 2.47.1 2.48.1 | 2025-01-14 | 4
Mozilla | Mozilla Thunderbird | Mozilla Thunderbird (x64) | 128.6.1 128.7.1 128.8.0 | 2025-03-04 | 4
Fabrikam & Co | Scan & Print Assistant | Scan & Print Assistant | 4.1.0 4.2.1 | 2025-01-30 | 2
"""


def _application(line: str) -> Application:
    developer, name, product, versions, released, severity = line.split(" | ")
    return Application(developer, name, product, tuple(versions.split()), date.fromisoformat(released), int(severity))


APPLICATIONS = tuple(_application(line) for line in _APPLICATIONS.strip().splitlines())

BY_NAME = {application.name: application for application in APPLICATIONS}

ON_SERVERS = {"Google Chrome", "Mozilla Firefox", "7-Zip", "Java 8", "Notepad++", "PuTTY", "WinSCP", "Git for Windows"}

CUMULATIVE_CLIENT = WindowsUpdate(
    "2025-03 Cumulative Update for Windows 11 Version 24H2 for x64-based Systems (KB5053598)",
    "Windows 11",
    date(2025, 3, 11),
)
CUMULATIVE_SERVER = WindowsUpdate(
    "2025-03 Cumulative Update for Microsoft server operating system version 21H2 (KB5053603)",
    "Windows Server 2022",
    date(2025, 3, 11),
)
MALICIOUS_SOFTWARE = WindowsUpdate(
    "Windows Malicious Software Removal Tool x64 – v5.132 (KB890830)", "Windows", date(2025, 3, 11), 2
)
DOT_NET = WindowsUpdate(
    "2025-02 Cumulative Update for .NET Framework 3.5 & 4.8.1 (KB5049622)", ".NET Framework", date(2025, 2, 25), 4
)


@cache
def version(name: str) -> dict[str, Any]:
    """ESET's Version of a version name: A.B.C.D becomes the uint64 ``A << 48 | B << 32 | C << 16 | D``, as text.

    ``major``, ``minor`` and ``patch`` are filled for semantic versions only.
    Source: the vendor's page "List recent application patching details", schema of v1Version.
    """
    parts = [int(part) & 0xFFFF for part in name.split(".")]
    padded = [*parts, 0, 0, 0, 0]
    number = padded[0] << 48 | padded[1] << 32 | padded[2] << 16 | padded[3]
    semantic = parts if len(parts) == 3 else [0, 0, 0]
    return {"id": str(number), "major": semantic[0], "minor": semantic[1], "name": name, "patch": semantic[2]}

"""What is known about how vendors and patch catalogues word the same software. Tables only, all casefolded.

Written from knowledge of the trade: how installers register themselves, and how ESET and N-sight title them.
"""

# Words of the same meaning, longest first where one begins another. A product becomes one word, so that what is left
# over tells it from its relatives ("edge" and "webview2", "git" and "lfs").
_PHRASES = """
acrobat reader dc = acrobat-reader
acrobat reader = acrobat-reader
adobe reader dc = acrobat-reader
adobe reader = acrobat-reader
foxit reader = foxit pdf reader
java se development kit = java jdk
java development kit = java jdk
java platform se development kit = java jdk
java se runtime environment = java jre
java runtime environment = java jre
java runtime = java jre
java se = java
jdk = java jdk
jre = java jre
.net framework = net-framework
.net desktop runtime = net-desktop
.net core desktop runtime = net-desktop
windows desktop runtime = net-desktop
.net core runtime = net-runtime
.net runtime = net-runtime
.net core sdk = net-sdk
.net sdk = net-sdk
asp.net core runtime = aspnet-core
asp.net core shared framework = aspnet-core
asp.net core hosting bundle = aspnet-hosting
asp.net core = aspnet-core
shared framework =
visual c++ redistributable = vc-redist
visual c++ runtime = vc-redist
visual c++ = vc-redist
c++ redistributable = vc-redist
redistributable package =
redistributable =
sql server management studio = ssms
visual studio code = vscode
vs code = vscode
node js lts = nodejs
node js = nodejs
node.js lts = nodejs
node.js = nodejs
nodejs lts = nodejs
zoom workplace = zoom
zoom client for meetings = zoom
zoom meetings = zoom
zoom desktop client = zoom
edge for business = edge
edge webview2 runtime = edge webview2
chrome enterprise = chrome
chrome for business = chrome
teams new = teams
new teams = teams
teams for work or school = teams
teams machine wide installer = teams classic machine-wide
machine wide installer =
vlc media player = vlc
keepass password safe = keepass
vm virtualbox = virtualbox
git for windows = git
for windows =
for desktop =
with hotspot =
plug in = plugin
plug ins = plugins
add in = addin
add ins = addins
add on = addon
add ons = addons
remote desktop connection manager = rdcman
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases() -> dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    """By its first word: what a phrase reads, and what stands for it."""
    found: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for line in _PHRASES.strip().splitlines():
        phrase, _, meaning = line.partition("=")
        words = tuple(phrase.split())
        found.setdefault(words[0], []).append((words, tuple(meaning.split())))
    return {first: tuple(sorted(some, key=lambda one: -len(one[0]))) for first, some in found.items()}


PHRASES = _phrases()

# A word that comes with another unless it says otherwise: plain "Java 8" is the runtime, a plain OpenJDK the kit.
IMPLIED = (
    ("temurin", frozenset({"jdk", "jre"}), ("java", "jdk")),
    ("corretto", frozenset({"jdk", "jre"}), ("java", "jdk")),
    ("zulu", frozenset({"jdk", "jre"}), ("java", "jdk")),
    ("openjdk", frozenset({"jdk", "jre"}), ("java", "jdk")),
    ("java", frozenset({"jdk", "jre"}), ("jre",)),
)

# Says how software is packed or delivered, or nothing at all; never which software it is.
NOISE = _words("""
    a an and by of the for on to with or app application apps client edition full stable channel release version ver
    setup installer msi exe machine user dc continuous track mui multilingual ce final software
    inc incorporated llc ltd limited gmbh corp corporation foundation co
    english deutsch german français french español spanish italiano italian nederlands dutch polski polish português
    portuguese čeština czech русский russian 日本語 japanese 中文 chinese
""")

# In a developer's name, but not what he is called.
COMPANY = _words("""
    inc incorporated llc ltd limited gmbh ag kg co corp corporation company srl s.r.l sro s.r.o sa s.a sas bv b.v nv ab
    oy as aps plc pty se spol the and of for by software technologies technology systems solutions products project
    group team community foundation developer developers development communications video core labs lab studio studios
    international germany canada europe usa https http www org com development network security media research open
""")

# One house under several names.
_HOUSES = (
    frozenset({"rarlab", "win.rar"}),
    frozenset({"vmware", "broadcom", "omnissa"}),
    frozenset({"oracle", "sun"}),
    frozenset({"eclipse", "adoptium", "adoptopenjdk"}),
    frozenset({"piriform", "gen"}),
    frozenset({"microsoft", "ms"}),
    frozenset({"hp", "hewlett", "packard"}),
    frozenset({"logitech", "logi"}),
)
HOUSE = {name: house for house in _HOUSES for name in house}

# What stands in front of products of many houses; left out when the developer is not told.
KNOWN_HOUSES = _words("""
    adobe amazon apache apple autodesk azul cisco citrix corel dell docker dropbox eclipse foxit google hp intel
    jetbrains lenovo logitech microsoft mozilla nvidia oracle piriform rarlab techsmith videolan vmware
""")

# Alone they name nothing: "PDF Reader", "Tools". Then the developer belongs to the name.
GENERIC = _words("""
    addin addon agent assistant backup browser center cloud code command connect creator desktop drive driver drivers
    editor extension files framework helper host launcher mail maintenance management manager media meetings office pdf
    player plugin plugins print pro professional reader remote rooms runtime scan sdk security server service standard
    studio support system tool tools update updater viewer vpn workplace workspace workstation
""")

# Software of which several major versions live side by side, each patched by itself. How many parts name the line.
LINES = {
    "java": 1,
    "nodejs": 1,
    "python": 2,
    "net-runtime": 1,
    "net-desktop": 1,
    "net-sdk": 1,
    "aspnet-core": 1,
    "aspnet-hosting": 1,
    "keepass": 1,
    "tomcat": 2,
    "mysql": 2,
    "mariadb": 2,
    "postgresql": 1,
    "php": 2,
    "ruby": 2,
    "powershell": 1,
    "ssms": 1,
    "vc-redist": 1,
}

LANGUAGES = "ar|bg|cs|da|de|el|en|es|et|fi|fr|he|hr|hu|it|ja|ko|lt|lv|nb|nl|nn|pl|pt|ro|ru|sk|sl|sr|sv|th|tr|uk|zh"

// The program that talks to conda channels. Its first half, which asks whether a channel answers, needs nothing but Python; the
// second needs py-rattler, which is installed for it.
#include "runner/build_conda.hh"

namespace werkbank::runner {

const std::string_view kCondaProgram = R"PY(
import base64, json, os, sys, threading

def say(text):
    print(text, flush=True)

def answer(document):
    print("WERKBANK " + json.dumps(document), flush=True)

def without_login(url):
    scheme, mark, rest = url.partition("://")
    login, at, place = rest.partition("/")[0].rpartition("@")
    return url.replace(login + at, "", 1) if mark and at else url

def channel_alias():
    alias = os.environ.get("CONDA_CHANNEL_ALIAS", "")
    places = [os.environ.get("CONDARC", ""), os.path.expanduser("~/.condarc"), "/etc/conda/.condarc"]
    for place in places:
        if alias or not place or not os.path.isfile(place):
            continue
        with open(place, errors="replace") as file:
            for line in file:
                key, colon, value = line.partition(":")
                if colon and key.strip() == "channel_alias":
                    alias = value.strip().strip("'\"")
    return (alias or "https://conda.anaconda.org").rstrip("/")

def address_of(channel):
    if "://" in channel:
        return channel.rstrip("/")
    if channel.startswith("/"):
        return "file://" + channel.rstrip("/")
    if channel == "defaults":
        return "https://repo.anaconda.com/pkgs/main"
    return channel_alias() + "/" + channel

def ask(channel, found):
    import urllib.parse, urllib.request
    url = address_of(channel)
    entry = {"name": without_login(channel), "url": url, "why": ""}
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "file":
            folder = urllib.parse.unquote(parts.path)
            if not any(os.path.isfile(os.path.join(folder, "noarch", "repodata.json" + end)) for end in ("", ".zst", ".bz2")):
                entry["why"] = "there is no noarch/repodata.json in it"
        else:
            request = urllib.request.Request(without_login(url) + "/noarch/repodata.json", method="HEAD")
            request.add_header("User-Agent", "werkbank")
            login = parts.netloc.rpartition("@")[0]
            if login:
                text = urllib.parse.unquote(login).encode()
                request.add_header("Authorization", "Basic " + base64.b64encode(text).decode())
            urllib.request.urlopen(request, timeout=8).close()
    except Exception as error:
        entry["why"] = without_login(str(getattr(error, "reason", None) or error) or type(error).__name__)
    found[channel] = entry

def probe(request):
    found = {}
    threads = [threading.Thread(target=ask, args=(channel, found), daemon=True) for channel in request["channels"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    silent = {"url": "", "why": "it did not answer within 20 seconds"}
    answer({"channels": [found.get(channel) or dict(silent, name=without_login(channel)) for channel in request["channels"]]})

async def solve(request):
    import rattler
    from rattler.exceptions import SolverError
    channels = [rattler.Channel(url) for url in request["channels"]]
    machine = rattler.VirtualPackage.detect()
    gateway = rattler.Gateway(cache_dir=os.path.join(request["cache"], "repodata"))
    first_failure = ""
    for number, specs in enumerate(request["attempts"]):
        # The first channel that has a package is the one to take it from; where that cannot be, all are one pool.
        for priority in (rattler.ChannelPriority.Strict, rattler.ChannelPriority.Disabled):
            for more in (["pip"], []):  # an environment with Python has pip, where the channel has it
                try:
                    records = await rattler.solve(
                        sources=channels, specs=specs + more, gateway=gateway, platforms=[request["platform"], "noarch"],
                        virtual_packages=machine, channel_priority=priority)
                    return number, records
                except SolverError as error:
                    if not more and not first_failure:
                        first_failure = str(error)
            if len(channels) == 1:
                break
    answer({"failed": first_failure, "kind": "unsolvable"})
    return None, None

async def build(request):
    import rattler
    number, records = await solve(request)
    if records is None:
        return
    records.sort(key=lambda record: record.name.normalized)
    say("Installing %d conda packages: %s" % (
        len(records), ", ".join("%s %s" % (record.name.normalized, record.version) for record in records)))
    await rattler.install(
        records=records, target_prefix=request["prefix"], cache_dir=os.path.join(request["cache"], "packages"),
        show_progress=False, execute_link_scripts=True)
    packages = []
    for record in records:
        sha256 = record.sha256.hex() if record.sha256 else ""
        packages.append({"name": record.name.normalized, "version": str(record.version), "url": without_login(str(record.url)),
                         "sha256": sha256})
    answer({"attempt": number, "packages": packages})

def main():
    with open(sys.argv[2]) as file:
        request = json.load(file)
    if sys.argv[1] == "probe":
        probe(request)
        return
    import asyncio
    try:
        asyncio.run(build(request))
    except Exception as error:
        kind = "full" if "No space left" in str(error) else "other"
        answer({"failed": "%s: %s" % (type(error).__name__, without_login(str(error))), "kind": kind})
    sys.stdout.flush()
    os._exit(0)  # the solver's own threads do not bear the interpreter's end

main()
)PY";

}  // namespace werkbank::runner

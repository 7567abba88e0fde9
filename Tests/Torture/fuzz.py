"""libFuzzer over the places where bytes come in that somebody else has made: Tests/Fuzz, a surface after the other.

The inputs begin with the contract's cases and the data folder's own files, and coverage leads to more. An input that fails is
kept in /tmp, and belongs as a seed or a test into the repository once it is mended.
"""

import os
import re
import shutil
import subprocess
import tempfile

# Surface: its share of the time.
SURFACES = {"request": 9, "record": 5, "json": 2, "message": 2, "token": 1, "cache": 1, "journal": 2}


def build(torture):
    command = [
        "swift", "build", "--package-path", torture.root, "--scratch-path", os.path.join(torture.root, ".build-fuzz"), "-c", "release",
        "--product", "fuzzer", "-Xswiftc", "-sanitize=fuzzer",
        # gold, which is the default, gives up on libFuzzer's debug information.
        "-Xswiftc", "-use-ld=lld"]
    torture.say("building with libFuzzer (the first time takes some minutes) ...")
    # The compiler leaves a folder behind for each build.
    environment = {**os.environ, "WITH_LIBFUZZER": "1", "TMPDIR": torture.scratch}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    shown = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True, env=environment)
    return os.path.join(shown.stdout.strip(), "fuzzer")


def run(torture):
    # What the part was given is for fuzzing; the build comes on top.
    seconds = torture.remaining
    program = build(torture)
    # In memory where that is possible: syncs are another part's affair.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else torture.scratch
    for surface, share in SURFACES.items():
        folder = tempfile.mkdtemp(prefix="torture-fuzz.", dir=memory)
        try:
            fuzz(torture, program, surface, folder, max(1, round(seconds * share / sum(SURFACES.values()))))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def fuzz(torture, program, surface, folder, seconds):
    subprocess.run([program, surface, folder, "seeds"], check=True)
    found = os.path.join(folder, "found")
    os.mkdir(found)
    kept = f"/tmp/torture-fuzz-{surface}-"
    process = subprocess.run(
        [program, surface, folder, found, os.path.join(folder, "seeds"), f"-dict={os.path.join(folder, 'words')}", f"-max_total_time={seconds}",
         f"-seed={torture.random.randrange(1, 2**31)}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", "-print_final_stats=1",
         f"-artifact_prefix={kept}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
    runs = re.search(r"stat::number_of_executed_units: (\d+)", process.stderr)
    coverage = re.findall(r"cov: (\d+)", process.stderr)
    torture.count("inputs", int(runs[1]) if runs else 0)
    torture.say(f"{surface}: {int(runs[1]) if runs else 0:,} inputs in {seconds} s, {coverage[-1] if coverage else 0} places reached")
    if process.returncode != 0:
        reason = re.search(r"(Fatal error: .*|ERROR: libFuzzer: .*)", process.stderr)
        artifact = re.search(r"written to (\S+)", process.stderr)
        torture.find(
            f"{surface}: {reason[1] if reason else process.stderr[-300:]}; the input is {artifact[1] if artifact else 'lost'}; repeat: "
            f"mkdir -p /tmp/ground && {os.path.relpath(program, torture.root)} {surface} /tmp/ground {artifact[1] if artifact else 'INPUT'}")
    elif not runs or int(runs[1]) == 0:
        torture.find(f"{surface}: nothing was tried: {process.stderr[-300:]}")

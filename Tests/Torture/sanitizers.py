"""The tests on builds with ThreadSanitizer and with AddressSanitizer; the processes that they start are built so as well."""

import glob
import os
import re
import shutil
import subprocess

# Left out: the browser, and what only reads the README files, tell nothing about memory.
SKIPPED = ("BrowserTests", "ReadmeTests", "TortureTests")
QUICK = "FastCGITests|FolderStoreTests|JSONTests"


def run(torture):
    for sanitizer in ("thread", "address"):
        sanitized(torture, sanitizer)


def sanitized(torture, sanitizer):
    folder = os.path.join(torture.root, f".build-{sanitizer}")
    options = ["--package-path", torture.root, "--scratch-path", folder, "--sanitize", sanitizer]
    torture.say(f"building with --sanitize={sanitizer} (the first time takes some minutes) ...")
    # The compiler leaves a folder behind for each build.
    subprocess.run(
        ["swift", "build", "--build-tests", *options], check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": torture.scratch})
    reports = os.path.join(torture.scratch, f"{sanitizer}-report")
    environment = {
        **os.environ, "SWIFT_BACKTRACE": "enable=no",
        "TSAN_OPTIONS": f"log_path={reports}",
        # Swift itself keeps what it made once for as long as the process lives, and a leak report cannot tell.
        "ASAN_OPTIONS": f"log_path={reports}:detect_leaks=0"}
    if sanitizer == "thread":
        environment["LD_PRELOAD"] = mutex(torture)
    result = subprocess.run(
        ["swift", "test", "--skip-build", "--disable-xctest", *options, *(["--filter", QUICK] if torture.quick else []),
         *[part for name in SKIPPED for part in ("--skip", name)]],
        capture_output=True, text=True, errors="replace", env=environment)
    kept = f"/tmp/torture-{sanitizer}-{torture.seed}.txt"
    summaries = {}
    with open(kept, "w") as file:
        file.write(result.stdout + result.stderr)
        for path in sorted(glob.glob(f"{reports}.*")):
            with open(path, errors="replace") as report:
                text = report.read()
            file.write(text)
            for line in re.findall(r"SUMMARY: (.*)", text) or [text[:200]]:
                summaries[line] = summaries.get(line, 0) + 1
    for line, times in summaries.items():
        torture.find(f"{line} ({times} times; the reports are in {kept})")
    ran = re.search(r"Test run with (\d+) tests?", result.stdout)
    torture.count(f"tests with the {sanitizer} sanitizer", int(ran[1]) if ran else 0)
    if result.returncode != 0 and not summaries:
        failed = re.findall(r"✘ Test .*", result.stdout)
        torture.find(f"the tests failed with --sanitize={sanitizer} (the output is in {kept}): {failed[:3] or result.stderr[-300:]}")
    elif not summaries:
        os.unlink(kept)
    if not ran:
        torture.find(f"no test ran with --sanitize={sanitizer}")


def mutex(torture):
    library = os.path.join(torture.scratch, "mutex.so")
    # The toolchain's own clang, which knows how Swift calls.
    clang = os.path.join(os.path.dirname(os.path.realpath(shutil.which("swift"))), "clang")
    source = os.path.join(torture.root, "Tests", "Torture", "mutex.c")
    subprocess.run([clang, "-shared", "-fPIC", "-O1", source, "-o", library], check=True)
    return library

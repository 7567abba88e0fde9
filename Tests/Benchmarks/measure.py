"""Measures the rows that are asked for and prints the table. ./Tests/Benchmarks/run starts it, and explains the options."""

import argparse
import os
import signal
import sys
import time
import traceback

from parts import Bench, say
from rows import ROWS


def main():
    parser = argparse.ArgumentParser()
    for option in "binary", "folder", "rows":
        parser.add_argument(f"--{option}", required=True)
    for option in "rounds", "seconds", "patience":
        parser.add_argument(f"--{option}", type=int, required=True)
    options = parser.parse_args()
    names = [name for name in options.rows.replace(",", " ").split()] or list(ROWS)
    for name in names:
        if name not in ROWS:
            sys.exit(f"measure: there is no row '{name}'; there are {', '.join(ROWS)}")
    # So that everything is ended and removed after a signal too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options.binary, options.folder, options.rounds, options.seconds, options.patience)
    lines, failed = [], []
    try:
        for name in names:
            say(f"measure: {name} ...")
            try:
                with bench:
                    lines += ROWS[name](bench)
            except Exception:
                # What the other rows have given is not to be lost.
                traceback.print_exc()
                failed.append(name)
    except KeyboardInterrupt:
        say("measure: interrupted")
    finally:
        bench.finish()
    if lines:
        print("| what | against | reach | measured (median) | middle half |\n| --- | --- | --- | --- | --- |")
        for line in lines:
            print(line)
        say(f"measure: {options.rounds} rounds of {options.seconds} s, {os.cpu_count()} processors, {time.strftime('%F')}")
        if bench.disturbed:
            say(f"measure: {bench.disturbed} rounds began while other processes were at work: the figures are doubtful")
    if failed:
        say(f"measure: these rows could not be measured: {', '.join(failed)}")
    sys.exit(1 if failed or not lines else 0)


if __name__ == "__main__":
    main()

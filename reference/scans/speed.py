"""Decode speed beside pydicom (with pylibjpeg) and nibabel: every file that both decode, best of five, one thread each.

    python speed.py CORPUS EXAMPLE [--processor]    # EXAMPLE: target/release/examples/decode_speed

CORPUS holds dicom.csv and nifti.csv with the columns path, expect, ts. Prints the ratio of the summed times by transfer
syntax; above 1 means faster than the peer. Two more rows are all files side by side on all cores: by threads here, by
processes there. With --processor the processor's time is taken rather than the clock's, for a machine that has other
work: the least of five times of the peer; of ours the mean of all passes, with start and reading of the files, which
favours the peer. Needs pydicom, pylibjpeg with its three plugins, and nibabel.
"""
import collections
import csv
import gzip
import io
import math
import multiprocessing
import os
import pathlib
import resource
import subprocess
import sys
import time
import warnings

import nibabel
import numpy
import pydicom

warnings.filterwarnings("ignore")


def dicom(data):
    return pydicom.dcmread(io.BytesIO(data)).pixel_array


def nifti(data):
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    kind = nibabel.Nifti2Image if data[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") else nibabel.Nifti1Image
    return numpy.asanyarray(kind.from_bytes(data).dataobj)


def best(decode, data, clock):
    found = math.inf
    for _ in range(5):
        start = clock()
        try:
            decode(data)
        except Exception:
            return math.inf
        found = min(found, clock() - start)
    return found


def run(example, paths):
    """Seconds of each path that decodes, then the number of threads and the seconds of all files."""
    listing = "".join(path + "\n" for path in paths)
    done = subprocess.run([example], input=listing, capture_output=True, text=True, check=True)
    *lines, last = [line.split("\t") for line in done.stdout.splitlines()]
    found = {path: float(seconds) for path, seconds in lines}
    return {path: v for path, v in found.items() if math.isfinite(v)}, int(last[1]), float(last[2])


def processor(example, paths):
    """Processor seconds of one pass over the files: the example makes five of one thread and five of all."""

    def used():
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    before = used()
    run(example, paths)
    return (used() - before) / 10


def one(item):
    """Decodes a file in a process of a pool; its values stay there."""
    decode, data = item
    decode(data)


def side_by_side(items):
    """The best of five times of all files in a pool of processes that have started before."""
    with multiprocessing.Pool(os.cpu_count()) as pool:
        pool.map(one, items)

        def run():
            start = time.perf_counter()
            pool.map(one, items, chunksize=1)
            return time.perf_counter() - start

        return min(run() for _ in range(5))


def rows_by(files, ours, theirs):
    """Number of files, our seconds and theirs by transfer syntax, and of all."""
    groups = collections.defaultdict(list)
    for path, syntax, _ in files:
        groups[syntax].append(path)
    rows = [(key, len(g), ours(g), sum(theirs[path] for path in g)) for key, g in sorted(groups.items())]
    return [*rows, ("all", *(sum(column) for column in list(zip(*rows))[1:]))]


def main(corpus, example, by_processor):
    files = []
    for kind, decode in (("dicom", dicom), ("nifti", nifti)):
        for row in csv.DictReader(open(corpus / f"{kind}.csv")):
            if row["expect"].startswith("decode"):
                files.append((str(corpus / row["path"]), row.get("ts") or kind, decode))
    single, count, together = run(example, [path for path, _, _ in files])
    files = [file for file in files if file[0] in single]
    clock = time.process_time if by_processor else time.perf_counter
    theirs = {path: best(decode, open(path, "rb").read(), clock) for path, _, decode in files}
    files = [file for file in files if math.isfinite(theirs[file[0]])]
    if by_processor:
        rows = rows_by(files, lambda paths: processor(example, paths), theirs)
    else:
        rows = rows_by(files, lambda paths: sum(single[path] for path in paths), theirs)
        _, _, together = run(example, [path for path, _, _ in files])
        others = side_by_side([(decode, open(path, "rb").read()) for path, _, decode in files])
        rows.append((f"all, {count} threads beside one", len(files), together, rows[-1][3]))
        rows.append((f"all, {count} threads beside {os.cpu_count()} processes", len(files), together, others))
    print("| transfer syntax | files | ours, ms | peer, ms | times as fast |\n|---|---|---|---|---|")
    for key, n, a, b in rows:
        print(f"| {key} | {n} | {1e3 * a:.1f} | {1e3 * b:.1f} | {b / a:.2f} |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2], "--processor" in sys.argv[3:])

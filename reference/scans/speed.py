"""Decode speed beside pydicom (with pylibjpeg) and nibabel: every file that both decode, best of five, one thread each.

    python speed.py CORPUS EXAMPLE    # EXAMPLE: target/release/examples/decode_speed

CORPUS holds dicom.csv and nifti.csv with the columns path, expect, ts. Prints the ratio of the summed times by transfer
syntax; above 1 means faster than the peer. Two more rows are all files side by side on all cores: by threads here, by
processes there. Needs pydicom, pylibjpeg with its three plugins, and nibabel.
"""
import collections
import csv
import gzip
import io
import math
import multiprocessing
import os
import pathlib
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


def best(decode, data):
    found = math.inf
    for _ in range(5):
        start = time.perf_counter()
        try:
            decode(data)
        except Exception:
            return math.inf
        found = min(found, time.perf_counter() - start)
    return found


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


def table(files, ours, theirs):
    sums = collections.defaultdict(lambda: [0, 0.0, 0.0])
    for path, syntax, _ in files:
        for key in (syntax, "all"):
            sums[key][0] += 1
            sums[key][1] += ours[path]
            sums[key][2] += theirs[path]
    return sorted(sums.items(), key=lambda item: (item[0] == "all", item[0]))


def main(corpus, example):
    files = []
    for kind, decode in (("dicom", dicom), ("nifti", nifti)):
        for row in csv.DictReader(open(corpus / f"{kind}.csv")):
            if row["expect"].startswith("decode"):
                files.append((str(corpus / row["path"]), row.get("ts") or kind, decode))
    theirs = {path: best(decode, open(path, "rb").read()) for path, _, decode in files}
    files = [file for file in files if math.isfinite(theirs[file[0]])]
    listing = "\n".join(path for path, _, _ in files) + "\n"
    lines = subprocess.run([example], input=listing, capture_output=True, text=True, check=True).stdout
    *lines, last = [line.split("\t") for line in lines.splitlines()]
    ours = {path: float(seconds) for path, seconds in lines}
    files = [file for file in files if math.isfinite(ours[file[0]])]
    rows = [(key, *found) for key, found in table(files, ours, theirs)]
    all_theirs = side_by_side([(decode, open(path, "rb").read()) for path, _, decode in files])
    count, all_ours = int(last[1]), float(last[2])
    rows.append((f"all, {count} threads beside one", len(files), all_ours, rows[-1][3]))
    rows.append((f"all, {count} threads beside {os.cpu_count()} processes", len(files), all_ours, all_theirs))
    print("| transfer syntax | files | ours, ms | peer, ms | times as fast |\n|---|---|---|---|---|")
    for key, n, a, b in rows:
        print(f"| {key} | {n} | {1e3 * a:.1f} | {1e3 * b:.1f} | {b / a:.2f} |")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])

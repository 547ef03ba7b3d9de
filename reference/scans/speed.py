"""Decode speed beside pydicom (with pylibjpeg) and nibabel: every file that both decode, best of five, one process each.

    python speed.py CORPUS EXAMPLE    # EXAMPLE: target/release/examples/decode_speed

CORPUS holds dicom.csv and nifti.csv with the columns path, expect, ts. Prints the ratio of the summed times by transfer
syntax; above 1 means faster than the peer. Needs pydicom, pylibjpeg with its three plugins, and nibabel.
"""
import collections
import csv
import gzip
import io
import math
import pathlib
import subprocess
import sys
import time
import warnings

import nibabel
import numpy
import pydicom

warnings.filterwarnings("ignore")
corpus, example = pathlib.Path(sys.argv[1]), sys.argv[2]


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


files = []
for kind, decode in (("dicom", dicom), ("nifti", nifti)):
    for row in csv.DictReader(open(corpus / f"{kind}.csv")):
        if row["expect"].startswith("decode"):
            files.append((str(corpus / row["path"]), row.get("ts") or kind, decode))
theirs = {path: best(decode, open(path, "rb").read()) for path, _, decode in files}
listing = "\n".join(path for path, _, _ in files) + "\n"
lines = subprocess.run([example], input=listing, capture_output=True, text=True, check=True).stdout
ours = {path: float(seconds) for path, seconds in (line.split("\t") for line in lines.splitlines())}
sums = collections.defaultdict(lambda: [0, 0.0, 0.0])
for path, syntax, _ in files:
    if math.isfinite(theirs[path]) and math.isfinite(ours[path]):
        for key in (syntax, "all"):
            sums[key][0] += 1
            sums[key][1] += ours[path]
            sums[key][2] += theirs[path]
print("| transfer syntax | files | ours, ms | peer, ms | times as fast |\n|---|---|---|---|---|")
for key in sorted(sums, key=lambda k: (k == "all", k)):
    n, a, b = sums[key]
    print(f"| {key} | {n} | {1e3 * a:.1f} | {1e3 * b:.1f} | {b / a:.2f} |")

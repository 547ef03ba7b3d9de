"""Small JPEG 2000 code streams of made-up pictures, by OpenJPEG, and what it decodes them to.

    python make_codestreams.py > codestreams.json     # needs opj_compress and opj_decompress (OpenJPEG 2.5)

Pixels are a formula, written down beside the streams: those of lossless streams follow from it, those of lossy ones are
OpenJPEG's.
"""
import json
import pathlib
import subprocess
import tempfile

import numpy

# Name, options, (width, height, components, bits, signed).
PLAIN = (27, 21, 1, 8, False)
COLOUR = (27, 21, 3, 8, False)
CASES = [
    ("one component of 8 bits", "", PLAIN),
    ("12 bits", "", (27, 21, 1, 12, False)),
    ("16 bits with a sign", "", (27, 21, 1, 16, True)),
    ("16 bits", "", (27, 21, 1, 16, False)),
    ("no wavelet levels", "-n 1", PLAIN),
    ("as many levels as fit", "-n 5", PLAIN),
    ("one pixel", "-n 1", (1, 1, 1, 8, False)),
    ("one column", "-n 1", (1, 30, 1, 8, False)),
    ("two rows", "-n 2", (30, 2, 1, 8, False)),
    ("an odd origin", "-d 5,3", PLAIN),
    ("a column at an odd origin", "-d 3,7 -n 1", (1, 9, 1, 8, False)),
    ("tiles with an origin", "-d 5,3 -T 3,2 -t 11,9", COLOUR),
    ("layers and resolutions first", "-p LRCP -r 9,4,1 -c [16,16],[8,8] -b 8,8 -SOP -EPH", COLOUR),
    ("resolutions and layers first", "-p RLCP -r 9,4,1 -c [16,16],[8,8] -b 8,8 -SOP", COLOUR),
    ("resolutions and positions first", "-p RPCL -r 9,4,1 -c [16,16],[8,8] -b 8,8 -EPH -d 3,1", COLOUR),
    ("positions first", "-p PCRL -r 9,4,1 -c [16,16],[8,8] -b 8,8 -t 16,16", COLOUR),
    ("components first", "-p CPRL -r 9,4,1 -c [16,16],[8,8] -b 8,8", COLOUR),
    ("order changes", "-n 3 -r 5,1 -POC T0=0,0,1,3,3,LRCP/T0=0,0,2,3,3,CPRL", COLOUR),
    ("tile-parts by resolution", "-TP R -PLT -TLM", COLOUR),
    ("flat blocks", "-b 64,4", PLAIN),
    ("tall blocks", "-b 4,64", PLAIN),
    ("no colour transform", "-mct 0", COLOUR),
    ("a raised component", "-ROI c=0,U=9 -mct 0", COLOUR),
    ("bypass", "-M 1", (27, 21, 1, 12, False)),
    ("reset", "-M 2", PLAIN),
    ("termination", "-M 4", PLAIN),
    ("vertical causality", "-M 8", (27, 21, 1, 12, False)),
    ("predictable termination", "-M 16", PLAIN),
    ("segmentation symbols", "-M 32", PLAIN),
    ("all modes", "-M 63 -r 6,1", (27, 21, 1, 12, False)),
    ("all modes but termination", "-M 59 -r 6,1", (27, 21, 1, 12, False)),
    ("9/7", "-I -r 4", PLAIN),
    ("9/7 of 12 bits with tiles", "-I -r 4 -t 13,9 -d 2,1", (27, 21, 1, 12, False)),
    ("9/7 of colour in layers", "-I -r 12,6,3", COLOUR),
    ("5/3 cut short", "-r 4", PLAIN),
    ("5/3 of colour cut short", "-r 5", COLOUR),
]


def picture(width, height, components, bits, signed):
    """value[y, x, c]: two slopes, an edge and a little noise."""
    y, x, c = numpy.mgrid[:height, :width, :components].astype("i8")
    noise = (x * 7919 + y * 104729 + c * 1299709 + x * y * 31) % 65537 % 7
    top = 1 << bits
    values = (x * top // 40 + y * top // 60 + c * 5 + noise + (x > y) * top // 4) % top
    return values - top // 2 * signed


def coded(folder, options, shape):
    width, height, components, bits, signed = shape
    kind = numpy.dtype("<i2" if bits > 8 else "u1")
    raw, stream, back = folder / "a.rawl", folder / "a.j2k", folder / "b.rawl"
    values = numpy.moveaxis(picture(*shape), 2, 0)
    raw.write_bytes((values & 0xFFFF).astype("<u2" if bits > 8 else "u1").tobytes())
    form = f"{width},{height},{components},{bits},{'s' if signed else 'u'}"
    if "-n" not in options:
        options += " -n 4"
    command = ["opj_compress", "-i", raw, "-o", stream, "-F", form, *options.split()]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["opj_decompress", "-i", stream, "-o", back], check=True, capture_output=True)
    found = numpy.frombuffer(back.read_bytes(), kind).astype("i8") & ((1 << bits) - 1)
    found = found.reshape(components, height, width)
    return stream.read_bytes(), numpy.moveaxis(found, 0, 2), numpy.moveaxis(values, 0, 2) & ((1 << bits) - 1)


rows = []
with tempfile.TemporaryDirectory() as folder:
    for name, options, shape in CASES:
        stream, found, exact = coded(pathlib.Path(folder), options, shape)
        lossless = bool((found == exact).all())
        row = dict(zip(("width", "height", "components", "bits", "signed"), shape))
        row = {"name": name, "options": options, **row, "stream": stream.hex()}
        if not lossless:
            row["decoded"] = found.ravel().tolist()
        rows.append(json.dumps(row))
print("[\n" + ",\n".join(rows) + "\n]")

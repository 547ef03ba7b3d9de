"""Texture features of a small picture by MIRP, which follows the Image Biomarker Standardisation Initiative.

    pip install mirp numpy && python make_golden.py > golden.json

Made with mirp 2.7.0. Grey levels are whole numbers already, so that discretisation plays no part; co-occurrence and
run-length matrices are two-dimensional, their directions merged (IBSI: 2D, slice-merged).
"""
import json
import logging
import warnings

import numpy
from mirp import extract_features

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

random = numpy.random.default_rng(20261127)
side = 14
smooth = random.normal(size=(side + 2, side + 2))
smooth = sum(smooth[1 + y : 1 + y + side, 1 + x : 1 + x + side] for y in (-1, 0, 1) for x in (-1, 0, 1))
ranks = smooth.ravel().argsort().argsort().reshape(side, side)
picture = 1 + ranks * 6 // (side * side)
rows, columns = numpy.mgrid[:side, :side]
mask = (rows - 6.5) ** 2 / 40 + (columns - 6.0) ** 2 / 30 <= 1
mask[6, 5:8] = False

cases = []
for name, levels, roi in [
    ("an ellipse with a hole", picture, mask),
    ("a slice of the digital phantom of the IBSI", numpy.array([[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]]), numpy.ones((4, 5), bool)),
]:
    table = extract_features(
        image=levels[None].astype(float),
        mask=roi[None].astype(int),
        by_slice=True,
        base_discretisation_method="none",
        base_feature_families=["statistics", "intensity_histogram", "glcm", "glrlm"],
        glcm_spatial_method="2d_slice_merge",
        glrlm_spatial_method="2d_slice_merge",
    )[0]
    features = {}
    for column in table.columns:
        for prefix in ("stat_", "ih_", "cm_", "rlm_"):
            if column.startswith(prefix):
                features[column] = float(table[column].iloc[0])
    cases.append(
        {
            "name": name,
            "width": int(levels.shape[1]),
            "levels": levels.ravel().tolist(),
            "mask": roi.ravel().astype(int).tolist(),
            "features": features,
        }
    )
print(json.dumps(cases, indent=1))

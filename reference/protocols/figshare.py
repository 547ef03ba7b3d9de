"""Names the plane of each slice of figshare (Cheng), whose files do not tell it: writes OUT/figshare.csv for `tumorlens prepare`.

    python figshare.py FIGSHARE OUT

FIGSHARE holds manifest.csv and images named by the numbers of the original files. The planes in figshare_planes.csv were read off the
pictures: slices of one patient and plane follow each other, a classifier (support vectors on gradients of the cropped head) found
where planes change, and each change and all of its 140 least certain answers were looked at. Every slice was taken with
contrast agent, as its authors say.
"""
import csv
import pathlib
import sys


def planes():
    """From the number of a file to its plane."""
    with open(pathlib.Path(__file__).with_name("figshare_planes.csv"), newline="") as file:
        ranges = [(int(row["from"]), int(row["to"]), row["plane"]) for row in csv.DictReader(file)]
    return {number: plane for first, last, plane in ranges for number in range(first, last + 1)}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    known = planes()
    with open(folder / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "figshare.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "patient_or_group", "mask_path", "plane", "contrast"])
        for row in rows:
            plane = known[int(pathlib.Path(row["path"]).stem)]
            mask = row["mask_path"] and folder / row["mask_path"]
            writer.writerow([folder / row["path"], row["label"], row["patient_or_group"], mask, plane, "yes"])
    print(out / "figshare.csv")


main()

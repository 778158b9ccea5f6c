#!/usr/bin/env python3
"""Makes tests/golden/hdf5: small HDF5 files of h5py's, and listings of these and of tests/golden/models.

    tools/golden_hdf5.py             writes the files and the listings (needs h5py: apt install python3-h5py), and
                                     the first inputs of the fuzz program, tests/fuzz/corpus/hdf5/seed_*
    tools/golden_hdf5.py --listing F prints the listing of one file

A listing has a line for each object and attribute, in alphabetical order:

    /layers/lstm group
    /layers/lstm @name text () 'lstm'
    /layers/lstm/vars/0 (5, 40) float32 1f2e3d4c

The last word of numbers is the CRC-32 of their values as little-endian float64; that of texts is the texts themselves,
or the CRC-32 of all of them, each followed by a byte of 0, where they are more than 60 bytes. What Rondo's reader must
refuse is named refused_...; its line says no more than that. src/formats/hdf5/golden_test.cpp makes the same listings.
"""
import argparse
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
KINDS = {"f": "float", "i": "int", "u": "uint"}


# ---- listings

def number_line(shape, dtype, values):
    if dtype.kind == "b":
        dtype = np.dtype("i1")
    order = " (big-endian)" if dtype.byteorder == ">" and dtype.itemsize > 1 else ""
    crc = zlib.crc32(np.asarray(values).astype("<f8").tobytes())
    return f"{shape_text(shape)} {KINDS[dtype.kind]}{8 * dtype.itemsize}{order} {crc:08x}"


def shape_text(shape):
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def text_line(shape, texts):
    joined = b"".join(text + b"\0" for text in texts)
    if len(joined) <= 60:
        return f"text {shape_text(shape)} " + ", ".join(f"'{text.decode()}'" for text in texts)
    return f"text {shape_text(shape)} {zlib.crc32(joined):08x}"


def attribute_lines(path, item):
    for name in sorted(item.attrs, key=str.encode):
        identifier = h5py.h5a.open(item.id, name.encode())
        shape = identifier.shape
        if identifier.get_space().get_simple_extent_type() == h5py.h5s.NULL:
            yield f"{path} @{name} (0,) float32 00000000"
        elif isinstance(identifier.get_type(), h5py.h5t.TypeStringID):
            texts = [t.encode() if isinstance(t, str) else bytes(t) for t in np.ravel(item.attrs[name])]
            yield f"{path} @{name} {text_line(shape, texts)}"
        else:
            yield f"{path} @{name} {number_line(shape, identifier.dtype, item.attrs[name])}"


def lines(path, item):
    if isinstance(item, h5py.Dataset):
        if item.shape is None:
            yield f"{path} (0,) float32 00000000"
        else:
            yield f"{path} {number_line(item.shape, item.id.dtype, item[()])}"
        yield from attribute_lines(path, item)
        return
    yield f"{path} group"
    yield from attribute_lines(path, item)
    for name in sorted(item, key=str.encode):
        child = f"{path.rstrip('/')}/{name}"
        if name.startswith("refused_"):
            yield f"{child} refused"
        else:
            yield from lines(child, item[name])


def listing(path):
    with h5py.File(path, "r") as file:
        return "\n".join(lines("/", file)) + "\n"


# ---- the files

def number_types(file):
    count = -1
    for dtype in ("<f4", "<f8", ">f4", ">f8", "i1", "u1", "<i2", ">i2", "<u2", "<i4", ">u4", "<i8", ">i8", "<u8", "?"):
        count += 1
        file.require_group(f"of_{count // 5}").create_group(f"in_{count}")[dtype.replace("<", "little_").replace(">", "big_").replace("?", "truth")] = \
            np.arange(-3 if "u" not in dtype else 3, 9).reshape(1, 1, -1).astype(dtype)
    file["of_0/in_0/refused_float16"] = np.ones(3, "f2")
    file["of_0/in_0/refused_complex"] = np.ones(3, "c8")
    file["of_0/in_0/refused_text"] = np.array([b"a", b"bc"])
    file["of_0/in_1/refused_long_text"] = "hello"
    file["of_0/in_1"].create_dataset("refused_never_written", (3, 4), "f4")
    file["of_0/in_1/nothing"] = h5py.Empty("f4")
    file["of_0/in_2/no_rows"] = np.zeros((0, 4), "f4")
    file["of_0/in_2/scalar"] = np.float32(1.5)


def compact(group, name, values):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    created = h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(values.shape),
                              properties)
    created.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def early(group, name, values, chunk):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk(chunk)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    created = h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(values.shape),
                              properties)
    created.write(h5py.h5s.ALL, h5py.h5s.ALL, values)


def layouts(file):
    values = np.random.default_rng(1).standard_normal((13, 11)).astype("f4")
    chunked = file.create_group("chunked")
    chunked.create_dataset("plain", data=values, chunks=(4, 5))
    chunked.create_dataset("gzip", data=values, chunks=(4, 5), compression="gzip")
    chunked.create_dataset("shuffle", data=values, chunks=(4, 5), shuffle=True)
    chunked.create_dataset("shuffle_gzip", data=values, chunks=(4, 5), shuffle=True, compression="gzip")
    chunked.create_dataset("room", data=values, chunks=(4, 5), maxshape=(20, 30))
    early(chunked, "early", values, (4, 5))
    single = file.create_group("single")
    single.create_dataset("plain", data=values, chunks=(13, 11))
    single.create_dataset("gzip", data=values, chunks=(13, 11), compression="gzip")
    growing = file.create_group("growing")
    growing.create_dataset("rows", data=values, chunks=(1, 4), maxshape=(None, 11))
    growing.create_dataset("rows_gzip", data=values, chunks=(1, 4), maxshape=(None, 14), compression="gzip")
    growing.create_dataset("long", data=np.arange(700.0), chunks=(1,), maxshape=(None,))
    growing.create_dataset("short", data=values[:2], chunks=(64, 64), maxshape=(None, 100))
    fixed = file.create_group("fixed")
    fixed.create_dataset("pages", data=np.arange(1300, dtype="u1"), chunks=(1,))
    compact(fixed, "compact", values)
    refused = file.create_group("refused")
    refused.create_dataset("refused_fletcher32", data=values, chunks=(4, 5), fletcher32=True)
    refused.create_dataset("refused_lzf", data=values, chunks=(4, 5), compression="lzf")
    return values


def growing_everywhere(file, values, prefix):
    group = file.create_group("growing_everywhere")
    group.create_dataset(prefix + "both", data=values, chunks=(4, 5), maxshape=(None, None))
    group.create_dataset(prefix + "second", data=values, chunks=(4, 5), maxshape=(13, None))


def attributes(file):
    file.attrs["text"] = "lstm"
    file.attrs["bytes"] = b"lstm"
    file.attrs["umlauts"] = "Gr\u00fc\u00dfe"
    file.attrs["empty"] = ""
    group = file.create_group("group")
    group.attrs["long"] = "config " * 10000
    group.attrs["names"] = np.array([b"kernel", b"recurrent_kernel", b"bias"])
    group.attrs["texts"] = ["kernel", "", "bias"]
    group.attrs["none"] = np.array([])
    data = file.create_dataset("data", data=np.arange(4, dtype="f4"))
    data.attrs["real"] = 0.1
    data.attrs["integer"] = np.int64(-7)
    data.attrs["reals"] = np.arange(6, dtype=">f4").reshape(2, 3)
    data.attrs["nothing"] = h5py.Empty("f4")
    data.attrs["blanks"] = np.bytes_("fixed")


def groups(file, children):
    names = file.create_group("names")
    for i in range(children):
        names.create_group(f"layer_{i}")
    links = file.create_group("links")
    links["data"] = np.arange(3, dtype="f4")
    links["same"] = links["data"]
    links["refused_soft"] = h5py.SoftLink("/nowhere")
    names.attrs["name"] = "names"


def dense(file):
    """Many links and attributes: in heaps, where the version is the latest."""
    file.create_group("no_links").create_group("inside")
    for group, count in (("few", 9), ("many", 400)):
        for i in range(count):
            file.create_dataset(f"{group}/name_{i}", data=np.float32(i))
    data = file.create_dataset("data", data=np.arange(3, dtype="f4"))
    for i in range(150):
        data.attrs[f"attribute_{i}"] = np.arange(i % 7, dtype="f8")
        data.attrs[f"text_{i}"] = f"text {i}"
    # Beyond 4096 bytes objects have a place outside of the heap's blocks.
    data.attrs["long"] = np.arange(1500, dtype="f8")
    data.attrs["longer"] = np.arange(2500, dtype="f8")


def write_files(folder):
    for suffix, version in (("", "earliest"), ("_latest", "latest")):
        def new(name, **options):
            return h5py.File(folder / f"{name}{suffix}.h5", "w", libver=version, **options)

        with new("types") as file:
            number_types(file)
        with new("layouts") as file:
            values = layouts(file)
            growing_everywhere(file, values, "" if version == "earliest" else "refused_")
        with new("attributes") as file:
            attributes(file)
        with new("groups") as file:
            groups(file, 100 if version == "earliest" else 7)
        with new("dense") as file:
            dense(file)
        with new("user_block", userblock_size=1024) as file:
            file["data"] = np.arange(5, dtype="f4")


def write_seeds(folder):
    """Files of a few kilobytes, one a structure."""
    values = np.arange(12, dtype="f4").reshape(3, 4)
    for version in ("earliest", "latest"):
        def seed(name):
            return h5py.File(folder / f"seed_{name}_{version}", "w", libver=version)

        with seed("groups") as file:
            file["layers/lstm/vars/0"] = values
            file["layers/lstm/vars/soft"] = h5py.SoftLink("/layers")
        with seed("attributes") as file:
            file.attrs["text"] = "lstm"
            file.attrs["names"] = np.array([b"kernel", b"bias"])
            file.attrs["texts"] = ["kernel", "bias"]
            file.attrs["reals"] = np.arange(3.0)
            file.attrs["integers"] = np.arange(3, dtype=">i2")
        with seed("chunks") as file:
            file.create_dataset("d", data=values, chunks=(2, 3), shuffle=True, compression="gzip")
        with seed("single") as file:
            file.create_dataset("d", data=values, chunks=(3, 4), compression="gzip")
        with seed("growing") as file:
            file.create_dataset("d", data=np.arange(30, dtype="f4"), chunks=(1,), maxshape=(None,))
        with seed("early") as file:
            early(file, "d", values, (2, 3))
        with seed("compact") as file:
            compact(file, "d", values)
        with seed("dense") as file:  # in heaps, where the version is the latest
            for i in range(9):
                file[f"link_{i}"] = h5py.SoftLink("/d")
            file["d"] = np.float32(1)
            for i in range(9):
                file["d"].attrs[f"name_{i}"] = np.float32(i)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listing", metavar="F")
    only = parser.parse_args().listing
    if only:
        sys.stdout.write(listing(only))
        return
    folder = GOLDEN / "hdf5"
    folder.mkdir(exist_ok=True)
    write_files(folder)
    write_seeds(GOLDEN.parent / "fuzz" / "corpus" / "hdf5")
    for path in sorted(folder.glob("*.h5")):
        path.with_suffix(".txt").write_text(listing(path), encoding="utf-8")
    with open(folder / "models.txt", "w", encoding="utf-8") as file:
        for path in sorted((GOLDEN / "models").glob("*.h5")):
            file.write(f"== {path.name}\n{listing(path)}")


if __name__ == "__main__":
    main()

"""Files for the tests of the readers: where the real ones are, and small synthetic ones."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

DATA = Path(os.environ.get("SPQ_TEST_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


def real(name):
    """Path of a real measurement file; the test is skipped where there is none."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"no real measurement file {name}: SPQ_TEST_DATA does not name their folder")
    return path


def tag(name, kind, value, text=b""):
    """One tag of the header of a .ptu."""
    code = "<d" if kind == 0x20000008 else "<q"
    return name.ljust(32, b"\0") + struct.pack("<iI", -1, kind) + struct.pack(code, value) + text


def write_ptu(path, record_type, records, tick=1e-6, bin_width=4e-12):
    """A small .ptu with 32-bit records of a type."""
    mode = 3 if record_type >> 8 & 0xFF == 3 else 2
    texts = b"A comment".ljust(16, b"\0")
    blocks = [
        b"PQTTTR\0\0" + b"1.0.00\0\0",
        tag(b"File_Comment", 0x4001FFFF, len(texts), texts),
        tag(b"Measurement_Mode", 0x10000008, mode),
        tag(b"Measurement_SubMode", 0x10000008, 0),
        tag(b"TTResultFormat_TTTRRecType", 0x10000008, record_type),
        tag(b"TTResultFormat_BitsPerRecord", 0x10000008, 32),
        tag(b"MeasDesc_Resolution", 0x20000008, bin_width),
        tag(b"MeasDesc_GlobalResolution", 0x20000008, tick),
        tag(b"TTResult_SyncRate", 0x10000008, round(1 / tick)),
        tag(b"TTResult_NumberOfRecords", 0x10000008, len(records)),
        tag(b"Header_End", 0xFFFF0008, 0),
    ]
    path.write_bytes(b"".join(blocks) + np.asarray(records, dtype="<u4").tobytes())
    return path


def write_dump(path, tags):
    """A dump of a Time Tagger: tags of (type, missed, channel, time in ps)."""
    path.write_bytes(b"".join(struct.pack("<BBHiq", kind, 0, *rest) for kind, *rest in tags))
    return path


def write_spe(path, frames, regions, wavelength, stamps=None):
    """A .spe of version 3.0: regions of (x, y, x binning, y binning, images); stamps in ns, one per frame."""
    blocks, mappings = "", ""
    for k, (x, y, xb, yb, images) in enumerate(regions):
        rows, columns = images.shape[1:]
        size = 2 * rows * columns
        blocks += f'<DataBlock type="Region" calibrations="9,{k}" count="1" width="{columns}" '
        blocks += f'height="{rows}" size="{size}" stride="{size}"/>'
        mappings += f'<SensorMapping id="{k}" x="{x}" y="{y}" width="{columns * xb}" height="{rows * yb}" '
        mappings += f'xBinning="{xb}" yBinning="{yb}"/>'
    body = b""
    for k in range(frames):
        body += b"".join(images[k].astype("<u2").tobytes() for *_, images in regions)
        body += b"" if stamps is None else struct.pack("<q", stamps[k] // 10)
    stride = len(body) // frames
    meta = '<MetaFormat><MetaBlock><TimeStamp event="ExposureStarted" type="Int64" bitDepth="64" '
    meta += 'resolution="100000000"/></MetaBlock></MetaFormat>'
    axis = ",".join(repr(float(x)) for x in wavelength)
    footer = '<SpeFormat version="3.0" xmlns="http://www.princetoninstruments.com/spe/2009"><DataFormat>'
    footer += f'<DataBlock type="Frame" count="{frames}" pixelFormat="MonochromeUnsigned16" '
    footer += f'size="{stride}" stride="{stride}">{blocks}</DataBlock></DataFormat>'
    footer += meta if stamps is not None else ""
    footer += (
        f"<Calibrations><WavelengthMapping><Wavelength>{axis}</Wavelength></WavelengthMapping>{mappings}"
    )
    footer += "</Calibrations><ExposureTime>500</ExposureTime></SpeFormat>"
    head = bytearray(4100)
    struct.pack_into("<f", head, 1992, 3.0)
    struct.pack_into("<Q", head, 678, 4100 + len(body))
    path.write_bytes(bytes(head) + body + footer.encode())
    return path

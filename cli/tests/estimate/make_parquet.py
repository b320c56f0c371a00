"""Writes the .parquet files beside this script, with PyArrow: `python3 make_parquet.py`."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
gradients = np.load(HERE / "gradients.npy")
count, width = gradients.shape


def write(name, columns, **options):
    pq.write_table(pa.table(columns), HERE / name, write_statistics=False, **options)


flat = pa.array(gradients.reshape(-1))
lists = pa.ListArray.from_arrays(np.arange(count + 1, dtype="i4") * width, flat)
write("lists.parquet", {"gradient": lists}, row_group_size=15)
fixed = pa.FixedSizeListArray.from_arrays(flat, width)
write("fixed-lists.parquet", {"gradient": fixed}, compression="none", use_dictionary=False)
columns = {f"p{index}": gradients[:, index] for index in range(width)}
write("columns.parquet", columns | {"__index_level_0__": np.arange(count)})
write("stable.parquet", {"noise": np.load(HERE / "stable.npy")})

write("nulls.parquet", {"a": pa.array([1.0, None, 2.0])})
write("texts.parquet", {"a": [1.0, 2.0], "name": ["x", "y"]})
write("ragged.parquet", {"a": pa.array([[1.0, 2.0], [3.0]])})
for compression in ["zstd", "gzip", "lz4"]:
    write(f"{compression}.parquet", {"gradient": fixed}, compression=compression)
write("brotli.parquet", {"a": np.arange(100.0)}, compression="brotli")
write("no-rows.parquet", {"a": pa.array([], type=pa.float32())})

"""Parquet tables with a damaged footer are refused: pyarrow ends the process with some of them."""

import subprocess
import sys

import pandas as pd

READ_DAMAGED = """
import sys
from pathlib import Path
from spikecast.data.parquet_files import read_parquet

path = Path(sys.argv[1])
whole = path.read_bytes()
length = int.from_bytes(whole[-8:-4], "little")
refused = 0
for place in range(len(whole) - 8 - length, len(whole) - 8):
    damaged = bytearray(whole)
    damaged[place] ^= int(sys.argv[2])
    path.write_bytes(damaged)
    try:
        read_parquet(path)
    except Exception:
        refused += 1
print(refused)
"""


def test_no_damage_of_the_footer_ends_the_process(tmp_path):
    path = tmp_path / "trials.parquet"
    pd.DataFrame({"side": ["left", "right"] * 4, "time": range(8)}).to_parquet(path)
    command = [sys.executable, "-c", READ_DAMAGED, str(path), "1"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-500:]
    assert int(found.stdout) > 100

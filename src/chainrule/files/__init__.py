"""Files: model files, run folders, settings in TOML, all written whole or not at all."""

from __future__ import annotations

from chainrule.files.folder import RunFolder, next_run_folder
from chainrule.files.record import decode_record, encode_record, strict_json
from chainrule.files.save import FORMAT, load_model_file, save_model
from chainrule.files.toml import read_toml, write_toml
from chainrule.files.writing import write_bytes_atomic, write_text_atomic

__all__ = [
    "FORMAT",
    "RunFolder",
    "decode_record",
    "encode_record",
    "load_model_file",
    "next_run_folder",
    "read_toml",
    "save_model",
    "strict_json",
    "write_bytes_atomic",
    "write_text_atomic",
    "write_toml",
]

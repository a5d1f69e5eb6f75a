"""Files: model files, run folders, settings in TOML, all written whole or not at all."""

from __future__ import annotations

from chainrule.files.folder import RunFolder, last_run_folder, make_folder, next_run_folder
from chainrule.files.lock import FolderLock, is_locked
from chainrule.files.record import decode_record, encode_record, strict_json
from chainrule.files.save import FORMAT, load_model_file, save_model
from chainrule.files.toml import read_toml, toml_text, write_toml
from chainrule.files.writing import is_file, is_folder, write_bytes_atomic, write_text_atomic

__all__ = [
    "FORMAT",
    "FolderLock",
    "RunFolder",
    "decode_record",
    "encode_record",
    "is_file",
    "is_folder",
    "is_locked",
    "last_run_folder",
    "load_model_file",
    "make_folder",
    "next_run_folder",
    "read_toml",
    "save_model",
    "strict_json",
    "toml_text",
    "write_bytes_atomic",
    "write_text_atomic",
    "write_toml",
]

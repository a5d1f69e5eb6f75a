"""Tables are read in a notebook as anywhere."""

import pytest

CELL = """
from chainrule.data import read_table
print(len(read_table("table.csv").columns["a"].values))
"""


@pytest.mark.slow
def test_a_kernel_reads_a_table(tmp_path):
    import nbclient
    import nbformat

    (tmp_path / "table.csv").write_text("a,b\n1,2\n3,4\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    (output,) = notebook.cells[0].outputs
    assert output["text"].strip() == "2"

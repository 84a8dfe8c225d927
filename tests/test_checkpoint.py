"""Whole or not at all."""

import json

import pytest
import torch

from dualcl_tutorial import checkpoint


def tensors(seed=0):
    draw = torch.Generator().manual_seed(seed)
    return {"a.weight": torch.randn(3, 4, generator=draw), "step": torch.tensor(seed)}


def test_what_is_saved_is_loaded_to_the_bit(tmp_path):
    state = {"rows": [{"loss": 0.1 + 0.2}], "settings": {"lr": 1e-4}}
    checkpoint.save(tmp_path / "run", 12, tensors(), state)
    loaded, back = checkpoint.load(tmp_path / "run")
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors().items())
    assert back == {"step": 12, **state}


def test_the_newest_two_are_kept(tmp_path):
    for step in (1, 20, 3, 100):
        checkpoint.save(tmp_path, step, tensors(step), {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000020", "step-000000100"]
    assert checkpoint.load(tmp_path)[1]["step"] == 100


@pytest.mark.parametrize("damage", ["truncate", "flip", "state", "missing"])
def test_a_broken_newest_falls_back_to_the_one_before_and_says_so(tmp_path, damage):
    checkpoint.save(tmp_path, 1, tensors(1), {})
    newest = checkpoint.save(tmp_path, 2, tensors(2), {})
    file = newest / ("state.json" if damage == "state" else "tensors.safetensors")
    if damage == "missing":
        file.unlink()
    elif damage == "flip":
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    else:
        file.write_bytes(file.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="step-000000002 is broken"):
        loaded, state = checkpoint.load(tmp_path)
    assert state["step"] == 1 and torch.equal(loaded["step"], torch.tensor(1))


def test_nothing_saved_is_none(tmp_path):
    assert checkpoint.load(tmp_path / "none") is None


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch, error):
    checkpoint.save(tmp_path, 1, tensors(1), {})

    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(type(error)):
        checkpoint.save(tmp_path, 2, tensors(2), {})
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000001"]
    assert checkpoint.load(tmp_path)[1]["step"] == 1


def test_published_never_overwrites(tmp_path):
    with checkpoint.published(tmp_path / "run") as folder:
        (folder / "x.json").write_text(json.dumps(1))
        assert not (tmp_path / "run").exists()
    assert (tmp_path / "run" / "x.json").read_text() == "1"
    with (
        pytest.raises(FileExistsError, match="choose another name"),
        checkpoint.published(tmp_path / "run"),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["run"]

"""Texts from a file to a table and back: tiny encoders, which the tests write."""

import re
from pathlib import Path

import pytest
import torch

import da
from da.cli.main import main
from da.models.text_encoder import fill_tokens
from tests.fixtures.encoders import TASK, WORDS, write_bert, write_reviews, write_vocabulary

pytest.importorskip("transformers")


@pytest.fixture
def bert() -> str:
    write_reviews()
    write_bert(Path("bert"))
    return "hf:bert"


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (da.methods.DANN(), {}),
        (da.methods.CORALMap(), {}),
        (da.methods.MCC(), {"regime": "full", "backbone": "hf:bert?pool=cls&tokens=12"}),
    ],
)
def test_an_encoder_learns_one_shop_and_adapts_to_another(bert, method, settings, capsys):
    run = da.Run(
        method, TASK, **{"backbone": bert, "steps": 60, "eval_every": 20, "lr": 2e-3} | settings
    )
    record = da.train(run, device="cpu", quiet=True)
    first, last = record.curve[0], record.curve[-1]
    if run.method.trains:
        assert last["loss/task"] < first["loss/task"] / 2
    assert last["target_accuracy"] > 80
    assert "books-kitchen" in da.table([record])


def test_a_run_on_texts_is_predicted_and_exported(bert, capsys):
    more = {"regime": "full", "steps": 40, "lr": 2e-3, "backbone": bert}
    record = da.train(da.Run(da.methods.SourceOnly(), TASK, **more), save_weights=True, quiet=True)
    main(["export", record.id, "--to", "onnx"])
    assert "60 test texts" in capsys.readouterr().out
    for model in (record.id, f"{record.id}.onnx"):
        main(["predict", model, "reviews.csv"])
        first, second, *rest = capsys.readouterr().out.splitlines()
        assert first.startswith("reviews.csv:2  1  ")
        assert second.startswith("reviews.csv:3  5  ")
        assert len(rest) == 118


def test_joined_encoders_train_and_say_that_they_predict_no_texts(bert, capsys):
    run = da.Run(da.methods.SourceOnly(), TASK, f"{bert}+{bert}?pool=cls", steps=20)
    record = da.train(run, save_weights=True, quiet=True)
    with pytest.raises(SystemExit):
        main(["predict", record.id, "reviews.csv"])
    assert "joins backbones: texts are predicted by one alone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--backbone", "hf:./nothing"], "no folder ./nothing of a network of transformers"),
        (["--backbone", "hf:some/name"], "no hf:some/name: .*known without a network: a folder"),
        (["--backbone", "hf:bert?pool=max"], "cannot read hf:bert.pool=max, known: hf:NAME.pool="),
        (["--backbone", "hf:bert", "--augment", "crop", "--views", "1"], "augment is for images"),
        ([], "backbone efficientnet_lite0 reads no texts, known: hf:NAME"),
    ],
)
def test_a_mistake_is_one_line(bert, words, error, capsys):
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["train", "--task", TASK, *words, "source_only"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(error, line), line


def test_an_encoder_whose_weights_are_incomplete_is_refused(bert):
    from safetensors.torch import load_file, save_file

    file = Path("bert", "model.safetensors")
    state = load_file(file)
    state.pop("encoder.layer.1.attention.self.query.weight")
    save_file(state, file, {"format": "pt"})
    with pytest.raises(ValueError, match=r"has no weights of encoder.layer.1.attention.self.query"):
        da.train(da.Run(da.methods.SourceOnly(), TASK, backbone=bert), quiet=True)


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
def test_towers_of_transformers_give_the_features_of_the_library(kind):
    import transformers

    from da.models.backbones.hf import build

    small = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2}
    small |= {"intermediate_size": 64}
    ids = {"vocab_size": len(WORDS) + 5, "eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0}
    text = small | ids | {"max_position_embeddings": 32, "projection_size": 32}
    vision = small | {"image_size": 32, "patch_size": 8}
    config = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=vision)
    own = getattr(transformers, f"{kind}Model")(config).eval()
    own.save_pretrained("both")
    getattr(transformers, f"{kind}ImageProcessor")().save_pretrained("both")
    write_vocabulary(Path("both"))

    towers = build(True, "both").eval()
    texts = ["the pan is great", "the knife"]
    pad = {"padding": True} if kind == "CLIP" else {"padding": "max_length", "max_length": 32}
    tokens = transformers.AutoTokenizer.from_pretrained("both")(texts, return_tensors="pt", **pad)
    masked = {"attention_mask": tokens["attention_mask"]} if kind == "CLIP" else {}
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        wanted = own.get_text_features(input_ids=tokens["input_ids"], **masked).pooler_output
        torch.testing.assert_close(towers.text(fill_tokens(towers.text.tokenize(texts))), wanted)
        seen = own.get_image_features(pixel_values=(x - towers.mean) / towers.std).pooler_output
        torch.testing.assert_close(towers(x), seen)
    assert towers.text.scale == pytest.approx(own.logit_scale.exp().item())


def test_padding_does_not_change_what_an_encoder_reads(bert):
    from da.models.backbones.hf import build

    for name in ("bert", "bert?pool=cls"):
        encoder = build(True, name).eval()
        alone = encoder(fill_tokens(encoder.tokenize(["the pan"])))
        both = encoder(fill_tokens(encoder.tokenize(["the pan", "the pan is great and dull"])))
        torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-5)
    assert len(build(True, "bert?tokens=5").tokenize(["the pan is great and dull"])[0]) == 5

from types import SimpleNamespace

import pytest
import torch

from da.methods.base import Network
from da.methods.zero_shot import ZeroShot
from da.models.backbone import Features
from tests.conftest import normal


def test_logits_are_scaled_cosines_with_the_texts_of_the_classes():
    f, texts = (normal(*shape, dtype=torch.float32) for shape in ((6, 5), (3, 5)))
    m = ZeroShot.Hparams().build(Features(5), 3, Network(neck=8, dropout=0.5))
    m.take_names(texts, 7.0)
    m.train()
    expected = 7 * torch.cosine_similarity(f[:, None], texts[None], dim=2)
    torch.testing.assert_close(m.predict(f), expected)
    torch.testing.assert_close(m.predict(3 * f), expected)  # regime frozen scales features
    assert not any(p.requires_grad for p in m.parameters())


@pytest.mark.parametrize("templates", [(), ("a photo",), ("{} or {}",)])
def test_a_template_has_one_place_for_a_name(templates):
    with pytest.raises(ValueError, match=r"as in \(?'a photo of a \{\}\.'"):
        ZeroShot.Hparams(templates)


@pytest.mark.parametrize("templates", ["a photo of a {}.", (0.5,), None])
def test_what_is_no_tuple_of_sentences_is_refused(templates):
    assert any(ZeroShot.Hparams.contradictions(SimpleNamespace(templates=templates)).values())

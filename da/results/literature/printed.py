"""What the printed networks, metrics and methods are called here, and which papers count.

A printed number is shown beside a row of ours where the benchmark and all these are the same.
"""

TRAINED: dict[str, tuple[str, ...]] = {
    "lenet": ("paper MNIST CNN (Fig. 4a)",),
    "wide_resnet28_10": ("WRN-28-10 (RobustBench Standard)", "WRN-28-10"),
    "identity": ("1 hidden layer, 5000-d unigrams and bigrams",),
    "alexnet.tv_in1k": ("AlexNet",),
    "resnet18.tv_in1k": ("ResNet-18",),
    "resnet34.tv_in1k": ("ResNet-34",),
    "resnet50.tv_in1k": ("ResNet-50", "ResNet-50 (fine-tuned)", "ResNet-50 (BN)"),
    "resnet101.tv_in1k": ("ResNet-101",),
    "densenet121.tv_in1k": ("DenseNet-121",),
    "deit_small_patch16_224.fb_in1k": ("DeiT-S",),
    "deit_base_patch16_224.fb_in1k": ("DeiT-B",),
    "vit_base_patch16_224.augreg_in21k_ft_in1k": (
        "ViT-B/16",
        "ViT-B/16 (vit_base_patch16_224)",
        "ViT-B/16 (32-bit)",
    ),
    "swin_base_patch4_window7_224.ms_in22k_ft_in1k": ("Swin-B",),
}
"""Printed names of backbones that trained on the task.

A name of ours that has the same network and no weights means these weights too.
"""

FROZEN: dict[str, tuple[str, ...]] = {
    "identity": TRAINED["identity"],
    "vit_base_patch16_clip_quickgelu_224.openai": ("CLIP ViT-B/16 (frozen features)",),
    "vit_large_patch14_clip_quickgelu_224.openai": ("CLIP ViT-L/14 (frozen features)",),
    "vit_large_patch14_clip_quickgelu_336.openai": ("CLIP ViT-L/14@336px (frozen features)",),
    "vit_large_patch14_dinov2.lvd142m": ("DINOv2 ViT-L/14 (frozen features)",),
    "open_clip:ViT-B-16/openai": ("CLIP ViT-B/16",),
    "open_clip:ViT-L-14-336/openai": ("CLIP ViT-L/14@336px (frozen features)",),
    "open_clip:RN50/openai": ("CLIP ResNet-50",),
    "open_clip:RN101/openai": ("CLIP ResNet-101",),
}
"""Printed names of backbones that stayed as they were."""

METRICS = {
    "accuracy": (
        "accuracy",
        "overall accuracy",
        "accuracy (no rejection)",
        "overall accuracy (no rejection)",
        "accuracy [mean of 3 seeds]",
        "accuracy [mean of 3 runs]",
    ),
    "mean_class": ("mean class accuracy", "mean class accuracy (no rejection)"),
    "hos": ("HOS", "HOS [mean of 3 seeds]"),
    "os": ("OS", "OS (mean accuracy over known classes and unknown)"),
    "os_star": ("OS*",),
    "unk": ("UNK",),
    "h_score": ("H-score", "H-score [mean of 3 seeds]"),
    "h3": ("H3-score",),
    "auroc": ("AUROC (known vs unknown)",),
    "oscr": ("OSCR",),
    "macro_f1": ("macro F1",),
    "online": ("accuracy",),
    "online_error": ("error",),
    "mean_online_error": ("error",),
    "worst_group": ("worst-region accuracy",),
}
"""Printed names of our metrics; text in brackets says of which runs the number is."""

METHODS: dict[str, tuple[str, ...]] = {
    "source_only": ("source-only", "base (source + labelled target)"),
    "dann": ("DANN", "RevGrad"),
    "cdan": ("CDAN+E",),
    "cdan entropy=False": ("CDAN",),
    "mcd": ("MCD",),
    "adda": ("ADDA",),
    "mdd": ("MDD",),
    "coral": ("Deep CORAL", "DCORAL"),
    "dan": ("DAN",),
    "jan": ("JAN",),
    "dsan": ("DSAN",),
    "afn": ("AFN", "SAFN"),
    "bsp": ("BSP",),
    "mcc": ("MCC",),
    "entropy_min": ("MinEnt",),
    "bnm": ("BNM",),
    "atdoc": ("ATDOC-NA",),
    "fixmatch": ("FixMatch",),
    "sdat": ("CDAN+MCC w/ SDAT",),
    "shot": ("SHOT",),
    "nrc": ("NRC",),
    "pada": ("PADA",),
    "osbp": ("OSBP",),
    "ovanet": ("OVANet",),
    "dance": ("DANCE",),
    "uniot": ("UniOT",),
    "m3sda": ("M3SDA",),
    "mme": ("MME",),
    "bn_adapt": ("BN (test-batch statistics)", "BN adaptation", "BN (norm)"),
    "tent": ("TENT",),
    "eata": ("EATA",),
    "sar": ("SAR",),
    "cotta": ("CoTTA",),
    "rotta": ("RoTTA",),
    "roid": ("ROID",),
    "lame": ("LAME",),
    "t3a": ("T3A",),
    "zero_shot": ("CLIP zero-shot",),
    "coral_map": ("CORAL",),
    "subspace_alignment": ("SA (subspace alignment)",),
    "tca": ("TCA",),
    "gfk": ("GFK",),
    "target_only": ("train-on-target",),
}
"""Printed names of our methods; `fine_tune` with a few shots has no counterpart."""

VARIANTS = {("cdan", "hp.entropy", False): "cdan entropy=False"}
"""Names in `METHODS` of methods with a setting that papers call by another name."""

JOINED = "all others (source combine)"
"""All other domains as one source."""

SEVERAL = {"m3sda": "all others (multi-source)"}
"""Printed sources of methods that tell several sources apart; others join them."""

BEST_EPOCH = "best epoch by target test accuracy"
_TLLIB = "Transfer-Learning-Library (Jiang et al.)"
_BENCHMARK = (
    "test-time-adaptation benchmark (Doebler, Marsden et al.; ROID WACV 2024), code release"
)
PAPERS = {
    "DANN (Ganin et al., JMLR 2016)": "",
    _TLLIB: BEST_EPOCH,
    "DeepDA toolkit (Wang & Hou)": BEST_EPOCH,
    "SHOT (Liang et al., ICML 2020)": "",
    "NRC (Yang et al., NeurIPS 2021), training log in the code release": "",
    "AFN (Xu et al., ICCV 2019), code release": "",
    "MFSAN (Zhu et al., AAAI 2019), code release": "",
    "Moment Matching for Multi-Source Domain Adaptation (ICCV 2019)": "",
    "Minimum Class Confusion for Versatile Domain Adaptation (ECCV 2020)": "",
    "SDAT (Rangwani et al., ICML 2022)": "",
    "CDTrans (Xu et al., ICLR 2022)": "",
    "DAPL / DAPrompt (Ge et al., TNNLS 2023), code release": "",
    "TENT (Wang et al., ICLR 2021), code release": "",
    "EATA (Niu et al., ICML 2022), code release": "",
    "FOA (Niu et al., ICML 2024), code release": "",
    _BENCHMARK: "",
    "SLA (Yu and Lin, CVPR 2023), code release": "",
    "Universal Domain Adaptation from Foundation Models: A Baseline Study (Deng and Jia, arXiv "
    "2305.11092), code release": "runs of uniood, not of the method's authors",
    "as listed in Li et al. NeurIPS 2021": "",
    "collected in MambaOut-DA (Wu & Chaddad) from the original papers": "",
}
"""Papers that numbers are taken from, by name or its end, and what to know of each.

The first with a number counts. The first are those that ran many methods under one protocol, and
others fill their gaps.
"""

REMARKS = {
    ("DANN (Ganin et al., JMLR 2016)", "digits"): "last layer a linear SVM, SA's dimension chosen "
    "by target test accuracy",
    ("DANN (Ganin et al., JMLR 2016)", "amazon_reviews"): "settings chosen by reverse validation",
    (_TLLIB, "domainnet"): "best epoch by accuracy on target training images",
    (_TLLIB, "fmow"): "",
    (_TLLIB, "iwildcam"): "epoch chosen by macro F1",
}
"""What to know of a paper on one data set instead."""

ONLINE = "online", "online_error", "mean_online_error"
"""Metrics of predictions made while images arrive; streams are printed with these alone."""

OTHER_WEIGHTS = {(_BENCHMARK, "ViT-B/16"), (_BENCHMARK, "Swin-B")}
"""Backbones of papers that began with other weights, those of torchvision."""

WRONG = {("Office-Home open-set", "DANN")}
"""Printed rows that repeat another's numbers by mistake, by benchmark and method."""

"""Published data sets of image files, in small trees of the layouts that are in circulation."""

import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from da.cli.main import main
from da.config.registry import DATASETS
from da.data import class_lists, tasks
from da.data.datasets._find_published import find_list
from da.data.datasets._published import Published

SETS = {
    name: DATASETS[name].SET
    for name in DATASETS
    if isinstance(getattr(DATASETS[name], "SET", None), Published) and DATASETS[name].DOMAINS
}
ARCHIVES = {
    "office31": "office31/{amazon,dslr,webcam}/images",
    "officehome": "OfficeHomeDataset_10072016/{Art,Clipart,Product,Real World}",
    "pacs": "PACS/images/{art_painting,cartoon,photo,sketch}",
    "vlcs": "VLCS/{Caltech101,LabelMe,VOC2007,SUN09}",
    "visda2017": "visda/{train,validation,test}",
    "office_caltech10": "office-caltech10/{amazon,caltech,dslr,webcam}",
    "domainnet": "DomainNet/{clipart,infograph,painting,quickdraw,real,sketch}",
    "domainnet126": "domainnet/{clipart,painting,real,sketch}",
    "domainnet40": "domainnet/{clipart,painting,real,sketch}",
    "minidomainnet": "domainnet/{clipart,painting,real,sketch}",
    "imageclef_da": "Image-CLEF/{C,I,P,B}",
    "imagenet_r": "imagenet/{train,imagenet-r}",
    "imagenet_a": "imagenet/{train,imagenet-a}",
    "imagenet_sketch": "imagenet/{train,sketch}",
}
"""Folders of class folders as an archive has them, with the domains in our order."""


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write_tree(data: Path, layout: str, each: Published, *, of: int = 2) -> None:
    """Write empty images of every class into each domain, and lists of them where it has lists."""
    top, _, rest = layout.partition("/{") if "/{" in layout else ("", "", layout)
    domains, _, inside = rest.partition("}")
    for domain in domains.split(","):
        place = Path(data, top, domain, inside.strip("/"))
        for label in each.names:
            (place / label).mkdir(parents=True)
            for i in range(of):
                (place / label / f"{i}.jpg").touch()
        for i, split in enumerate(("train", "test") if each.lists else ()):
            lines = [f"{domain}/{label}/{i}.jpg 0\n" for label in each.names]
            file = each.lists.format(domain=domain, split=split)
            Path(data, top, file).parent.mkdir(exist_ok=True)
            Path(data, top, file).write_text("".join(lines))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_each_domain_is_found_with_its_classes(name, data):
    write_tree(data, ARCHIVES[name], SETS[name])
    for domain in DATASETS[name].DOMAINS:
        images = SETS[name].list_images(domain)
        assert images.classes == SETS[name].names
        assert len(images.files) == 2 * len(images.classes)
        assert [file.parent.name for file in images.files] == [images.classes[c] for c in images.y]
        assert images.sets.sum() == (len(images.classes) if SETS[name].lists else 0)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("office31", "domain_adaptation_images/{amazon,dslr,webcam}/images"),
        ("office31", "office/{amazon,dslr,webcam}"),
        ("office31", "{amazon,dslr,webcam}"),  # DA_DATA is its folder
        *(
            ("officehome", f"office_home/{{Art,Clipart,Product,{real}}}")
            for real in ("Real_World", "RealWorld", "Realworld", "Real", "real_world", "real")
        ),
        ("pacs", "kfold/{art_painting,cartoon,photo,sketch}"),
        ("pacs", "deep/PACS/{art_painting,cartoon,photo,sketch}"),
        ("visda2017", "VISDA-C/{train,validation,test}"),
        ("office_caltech10", "office31/{amazon,caltech,dslr,webcam}/images"),
    ],
)
def test_other_layouts(name, layout, data):
    write_tree(data, layout, SETS[name], of=1)
    for domain in DATASETS[name].DOMAINS:
        assert len(SETS[name].list_images(domain).files) == len(SETS[name].names)


def test_classes_that_are_numbers(data):
    for i in range(5):
        (data / "VLCS" / "CALTECH" / "full" / str(i)).mkdir(parents=True)
        (data / "VLCS" / "CALTECH" / "full" / str(i) / "a.jpg").touch()
    images = SETS["vlcs"].list_images("caltech")
    assert [images.classes[c] for c in images.y] == ["bird", "car", "chair", "dog", "person"]


def test_caltech_of_ten_classes_comes_from_all_its_categories(data):
    for category in (*SETS["office_caltech10"].spellings, "146.mountain-bike", "257.clutter"):
        (data / "caltech256/256_ObjectCategories" / category).mkdir(parents=True)
        (data / "caltech256/256_ObjectCategories" / category / "a.jpg").touch()
    images = SETS["office_caltech10"].list_images("caltech")
    named = {
        file.parent.name: images.classes[c] for file, c in zip(images.files, images.y, strict=True)
    }
    assert named["224.touring-bike"] == "bike"
    assert sorted(named.values()) == [*images.classes]
    assert images.notes[-1].endswith("10 images, 1123 are published")


def test_lists_of_minidomainnet_name_its_classes_and_are_not_those_of_domainnet(data):
    for domain in ("clipart", "painting", "real", "sketch"):
        for label in ("zebra", "The_Eiffel_Tower", "bee"):
            (data / "domainnet" / domain / label).mkdir(parents=True)
            for i in range(3):
                (data / "domainnet" / domain / label / f"{i}.jpg").touch()
        (data / "domainnet/splits_mini").mkdir(exist_ok=True)
        for split, numbers in (("train", (0, 1)), ("test", (2,))):
            lines = [f"{domain}/{c}/{i}.jpg 0\n" for c in ("zebra", "bee") for i in numbers]
            file = data / "domainnet/splits_mini" / f"{domain}_{split}.txt"
            file.write_text("".join(lines))
    images = DATASETS["minidomainnet"].current().list_images("real")
    assert images.classes == ("bee", "zebra")
    assert [images.classes[c] for c in images.y] == ["zebra"] * 2 + ["bee"] * 2 + ["zebra", "bee"]
    assert images.sets.tolist() == [0, 0, 0, 0, 1, 1]
    assert find_list(data / "domainnet/real", ["real_train.txt"], ["domainnet"]) is None


def test_a_folder_of_another_set_with_some_of_the_classes_is_passed_by(data):
    for label in SETS["pacs"].names:
        for folder in ("DomainNet/sketch", "of_mine/PACS/sketch"):
            (data / folder / label).mkdir(parents=True)
            (data / folder / label / "1.png").touch()
    shutil.rmtree(data / "DomainNet/sketch/person")
    assert SETS["pacs"].list_images("sketch").root == data / "of_mine/PACS/sketch"
    shutil.rmtree(data / "of_mine")
    with pytest.raises(ValueError, match="DomainNet/sketch lacks the classes person of PACS"):
        SETS["pacs"].list_images("sketch")


def test_a_task_is_trained_on_and_tested_by_the_protocol(data):
    for domain in ("photo", "sketch"):
        for c, label in enumerate(SETS["pacs"].names):
            folder = data / "pacs" / domain / label
            folder.mkdir(parents=True)
            for i in range(3):
                Image.new("RGB", (8, 8), (30 * c, 9 * i, domain == "photo")).save(
                    folder / f"{i}.png"
                )
    task = tasks.load_task("pacs:photo-sketch")
    assert (len(task.source_train), len(task.source_test)) == (14, 7)
    assert len(task.target_train) == len(task.target_test) == 21
    assert task.classes == SETS["pacs"].names


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", r"real_train_mini\.txt has no line with a class of DomainNet-40, as real/airplane/"),
        (b"real/1.jpg 0\n", "has no line with a class"),
        (b"\xff\xfe real", r"cannot read the list .*real_train_mini\.txt: 'utf-8'"),
    ],
)
def test_a_list_without_images_is_named(content, error, data):
    write_tree(data, ARCHIVES["domainnet40"], SETS["domainnet40"], of=3)
    next(data.rglob("real_train_mini.txt")).write_bytes(content)
    with pytest.raises(ValueError, match=error):
        SETS["domainnet40"].list_images("real")


def test_check_does_not_call_published_what_it_cannot_compare(data):
    for label in SETS["vlcs"].names:
        (data / "VLCS/SUN/full" / label).mkdir(parents=True)
        (data / "VLCS/SUN/full" / label / "1.jpg").touch()
    *_, line = SETS["vlcs"].check()
    assert line.endswith("/full; with all classes; no published numbers to compare with")


def test_check_tells_which_listed_images_are_not_there(data):
    write_tree(data, ARCHIVES["domainnet40"], SETS["domainnet40"], of=3)
    lost = SETS["domainnet40"].list_images("real").files[0]
    lost.unlink()
    assert f"; 1 are not there: {lost.name}; " in next(
        line for line in SETS["domainnet40"].check() if line.startswith("domainnet40:real: ")
    )


def test_lists_say_what_is_trained_and_tested_on(data, monkeypatch):
    each = SETS["domainnet40"]
    write_tree(data, ARCHIVES["domainnet40"], each, of=3)
    rows = each._divide(each.list_images("real"))
    assert [len(rows[part]) for part in rows] == [40, 40, 40, 40]
    assert rows["source_train"].tolist() == rows["target_train"].tolist()
    assert not {*rows["source_train"]} & {*rows["target_test"]}


@pytest.mark.slow
def test_what_is_missing_is_told_with_where_it_comes_from(data, monkeypatch):
    with pytest.raises(ValueError, match=r"Office-31 is not here: under .* Google Drive.*DA_DATA"):
        tasks.open_domains("office31:amazon-webcam")
    write_tree(data, ARCHIVES["office31"], SETS["office31"])
    for file in (data / "office31/dslr/images/mug").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="dslr/images has no image of mug"):
        SETS["office31"].list_images("dslr")
    (data / "office31/dslr/images/mug").rmdir()
    with pytest.raises(ValueError, match="dslr/images lacks the classes mug of Office-31"):
        SETS["office31"].list_images("dslr")
    write_tree(data, ARCHIVES["domainnet"], SETS["domainnet"], of=1)
    (data / "DomainNet/real_test.txt").unlink()
    with pytest.raises(ValueError, match=r"no list real_test\.txt of DomainNet near"):
        SETS["domainnet"].list_images("real")
    monkeypatch.delenv("DA_DATA")
    with pytest.raises(ValueError, match="DA_DATA is not set"):
        tasks.open_domains("officehome:art-real")


@pytest.mark.slow
def test_check_compares_with_the_published_numbers(data, capsys):
    for domain in DATASETS["office31"].DOMAINS:
        for label, count in class_lists.published_counts("office31", domain).items():
            folder = data / "office31" / domain / label
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f"{i}.jpg").touch()
    (data / "office31/webcam/mug/0.jpg").unlink()
    (data / "office31/webcam/cap").mkdir()
    main(["data", "office31", "--check"])
    amazon, dslr, webcam = capsys.readouterr().out.splitlines()
    assert amazon.endswith(f"2817 images in {data}/office31/amazon; as published")
    assert dslr.startswith("office31:dslr: 498 images")
    assert webcam.endswith("left out: cap; other numbers of images than published: mug 26 of 27")


@pytest.mark.slow
def test_the_original_version_is_told_from_the_cleaned_one(data):
    for label, count in class_lists.published_counts("domainnet126_original", "clipart").items():
        folder = data / "domainnet" / "clipart" / label
        folder.mkdir(parents=True)
        for i in range(count):
            (folder / f"{i}.jpg").touch()
    assert SETS["domainnet126"].list_images("clipart").notes == (
        "clipart: images of domainnet126_original",
    )


TOTALS = {
    ("office31", "amazon"): 2817,
    ("office31", "dslr"): 498,
    ("office31", "webcam"): 795,
    ("officehome", "art"): 2427,
    ("officehome", "clipart"): 4365,
    ("officehome", "product"): 4439,
    ("officehome", "real"): 4357,
    ("visda2017", "real"): 55388,
    ("visda2017", "test"): 72372,
    ("domainnet", "clipart_train"): 33525,
    ("domainnet", "infograph_test"): 15582,
    ("domainnet", "painting_train"): 50416,
    ("domainnet", "real_test"): 52041,
    ("domainnet_original", "sketch_train"): 49115,
    ("domainnet126", "real"): 69622,
    ("domainnet126_original", "sketch"): 24582,
    ("domainnet40", "painting_train"): 6727,
}


@pytest.mark.parametrize(("name", "column"), TOTALS)
def test_published_numbers_add_up(name, column):
    assert sum(class_lists.published_counts(name, column).values()) == TOTALS[name, column]


ORDERS = {
    ("office31", "letters"): "6aee0961f97d",
    ("officehome", "tllib"): "4e8cd0415321",
    ("officehome", "letters"): "19fd478a1410",
    ("officehome", "bytes"): "89cb8bf577d3",
    ("officehome", "tntek"): "ea455da3831b",
    ("domainnet", "letters"): "1c591251481f",
    ("domainnet_original", "letters"): "1c591251481f",
    ("domainnet", "bytes"): "3a05c06c0110",
    ("domainnet126", "letters"): "fd8c54e54a0d",
    ("domainnet126_original", "letters"): "fd8c54e54a0d",
    ("visda2017", "letters"): "981d715f1d21",
}
"""Digests of the orders of classes that lists in circulation have."""


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_orders_are_those_of_published_lists(name, order):
    names = " ".join(class_lists.class_orders(name)[order])
    assert hashlib.sha256(names.encode()).hexdigest()[:12] == ORDERS[name, order]


def test_three_classes_of_domainnet_move_with_the_order():
    orders = class_lists.class_orders("domainnet")
    moved = ["The_Eiffel_Tower", "The_Great_Wall_of_China", "The_Mona_Lisa"]
    assert [orders["bytes"].index(name) for name in moved] == [0, 1, 2]
    assert [orders["letters"].index(name) for name in moved] == [308, 309, 310]


@pytest.mark.parametrize("name", ["office31", "imagenet_c", "cifar10_c"])
def test_a_check_of_what_is_not_here_fails_with_one_line(name, data, capsys):
    with pytest.raises(SystemExit) as left:
        main(["data", name, "--check"])
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (1, "")
    assert said.err.startswith(f"da: nothing of {name} is here: ")
    assert said.err.count("\n") == 1

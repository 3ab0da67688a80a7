"""The files of DomainNet, which several data sets take classes of."""

from collections.abc import Sequence

from da.system.remote_files import RemoteFile

BASE = "https://csr.bu.edu/ftp/visda/2019/multi-source/"
CLEANED = "clipart", "painting"
"""Domains whose cleaned version lies in a folder of its own."""
LICENSE = "for research that is not commercial, by its notice of fair use"


def list_files(domains: Sequence[str], *, lists: bool = False) -> tuple[RemoteFile, ...]:
    """List the archives of some domains in their cleaned version, and their lists if wanted."""
    found = []
    for domain in domains:
        folder = f"{BASE}groundtruth/" if domain in CLEANED else BASE
        found.append(RemoteFile(f"{domain}.zip", f"{folder}{domain}.zip", domains=(domain,)))
        texts = f"{BASE}groundtruth/txt/" if domain in CLEANED else f"{BASE}domainnet/txt/"
        names = [f"{domain}_{split}.txt" for split in ("train", "test")] if lists else []
        found += [RemoteFile(name, f"{texts}{name}", domains=(domain,)) for name in names]
    return tuple(found)

"""Puts what was measured into a document: between `<!-- measured: NAME -->` and `<!-- end -->`."""

import os
import re

from report import (front_region, ingest_regions, peer_regions, plots, reading_regions,
                    scaling_regions, steady_regions, storage_regions)

REGION = re.compile(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Unknown(Exception):
    """The document asks for what there is not."""


def regions(results):
    """{name of a region: blocks, each a text or a Plot}."""
    made = {}
    for module in (ingest_regions, reading_regions, storage_regions, peer_regions,
                   scaling_regions, steady_regions, front_region):
        made.update(module.regions(results))
    return made


def block_text(block, folder, document, skipped):
    if isinstance(block, str):
        return block
    try:
        plots.draw(folder, block)
    except plots.NotDrawn as reason:
        skipped.append(f"{block.name}.svg: {reason}")
        return f"The picture `{block.name}.svg` was not drawn."
    path = os.path.relpath(plots.path_of(folder, block.name), os.path.dirname(document) or ".")
    return f"![{block.title}]({path})"


def render(document, folder, results):
    """Renders the document in place. Returns ([what was not drawn and why], whether it changed)."""
    with open(document, encoding="utf-8") as file:
        before = file.read()
    made, skipped = regions(results), []

    def region(match):
        begin, name, end = match.groups()
        if name not in made:
            raise Unknown(f"{document}: there is no region {name}; there are {', '.join(made)}")
        blocks = [block_text(block, folder, document, skipped) for block in made[name]]
        return begin + "\n\n".join(["", *blocks, ""])[1:] + end
    after = REGION.sub(region, before)
    if before.count("<!-- measured:") != len(REGION.findall(before)):
        raise Unknown(f"{document}: a region has no end")
    if after != before:
        with open(document, "w", encoding="utf-8") as file:
            file.write(after)
    return skipped, after != before

"""Write all generated pages, tables and pictures of docs/ again."""

from tools.docs import pages

if __name__ == "__main__":
    for file, content in pages.all_files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for file in pages.leftovers():
        file.unlink()

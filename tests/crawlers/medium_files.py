"""Pages of Medium's export archive, in its structure with words of our own."""

HOUSE = "https://medium.com/@ada"


def page(
    body: str,
    *,
    title: str = "On kettles",
    subtitle: str = "Why water takes its time",
    link: str = f"{HOUSE}/on-kettles-0123456789ab",
    author: str = "Ada",
) -> str:
    """Return a page as the archive has it; the body may hold several sections."""
    summary = (
        f'<section data-field="subtitle" class="p-summary">\n{subtitle}\n</section>'
        if subtitle
        else ""
    )
    return (
        '<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; '
        f'charset=utf-8"><title>{title}</title><style>* {{ margin: 0; }}</style></head><body>'
        f'<article class="h-entry"><header><h1 class="p-name">{title}</h1></header>{summary}'
        f'<section data-field="body" class="e-content">{body}</section><footer>'
        f'<p>By <a href="{HOUSE}" class="p-author h-card">{author}</a> on '
        '<a href="https://medium.com/p/0123456789ab"><time class="dt-published" '
        'datetime="2024-03-05T06:07:08.123Z">March 5, 2024</time></a>.</p>'
        f'<p><a href="{link}" class="p-canonical">Canonical link</a></p>'
        '<p>Exported from <a href="https://medium.com">Medium</a> on July 8, 2025.</p>'
        "</footer></article></body></html>"
    )


def section(inner: str) -> str:
    """Return one of a body's sections."""
    return (
        '<section class="section section--body"><div class="section-divider"><hr></div>'
        f'<div class="section-content"><div class="section-inner">{inner}</div></div></section>'
    )

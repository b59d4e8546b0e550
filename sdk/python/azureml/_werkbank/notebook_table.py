"""The tables that notebooks show for runs and experiments. Every text in them is a stranger's, and escaped."""


def link_cell(link, command):
    """Where to see more: a link where a browser can open it, otherwise the command that shows it."""
    from html import escape

    if link.startswith(("http://", "https://")):
        return '<a href="{}" target="_blank" rel="noopener noreferrer">Link to Werkbank studio</a>'.format(
            escape(link, quote=True)
        )
    return "<code>{}</code>".format(escape(command))


def table(heads, texts, link, docs):
    """One row under its heads; `texts` are escaped here, `link` is link_cell's."""
    from html import escape

    cells = [escape("{}".format(text)) for text in texts] + [link, escape(docs)]
    return '<table style="width:100%;table-layout:auto"><tr>{}</tr><tr>{}</tr></table>'.format(
        "".join('<th style="text-align:left">{}</th>'.format(escape(head)) for head in heads),
        "".join('<td style="text-align:left;overflow-wrap:anywhere">{}</td>'.format(cell) for cell in cells),
    )

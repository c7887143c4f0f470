"""How `scripts/site` builds these pages; each is Markdown that reads as well on its own."""

from pygments.lexers.special import TextLexer

project = "shim"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
highlight_language = "none"
smartquotes = False
html_theme = "furo"
html_title = "shim"
html_static_path = ["site"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def setup(app):
    """Show drawings that GitHub draws as their source: what draws them comes from elsewhere."""
    app.add_lexer("mermaid", TextLexer)

"""How `scripts/site` builds these pages; each is Markdown that reads as well on its own."""

project = "shim"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "shim"
html_static_path = ["site"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False

"""How Sphinx makes the site of the pages that `build` has staged."""

project = "samestep"
html_title = "samestep"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 5  # as GitHub makes them, so that links to headings work in both places
myst_links_external_new_tab = True
highlight_language = "text"  # of blocks that name none: what a terminal shows
html_theme = "furo"  # light and dark
html_show_copyright = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80
exclude_patterns = ["site"]
